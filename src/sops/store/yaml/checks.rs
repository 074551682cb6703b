//! What a YAML text holds that its encrypted form does not keep, or that go-yaml reads otherwise.

use super::build::Builder;
use super::events::{Ev, Notation};
use crate::sops::scalar::{float_text, same_number};
use crate::sops::store::{Altered, Refusal};
use crate::sops::tree::Scalar;

impl Builder<'_> {
    pub(super) fn refuse(&mut self, event: &Ev, reason: String) {
        self.refusals.push(Refusal { line: event.line, reason });
    }

    /// Notes a number that is written in another way once it was encrypted.
    pub(super) fn note_altered(&mut self, event: &Ev, text: &str, value: &Scalar) {
        let unsigned = text.trim_start_matches(['-', '+']);
        let padded = unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.as_bytes()[1].is_ascii_digit();
        let kept = match value {
            Scalar::Int(number) => number.to_string() == text,
            Scalar::Float(number) if number.is_finite() => !padded && !text.starts_with('+') && same_number(text, &float_text(*number)),
            _ => true,
        };
        if !kept {
            self.altered.push(Altered { line: event.line, path: self.path.clone() });
        }
    }

    /// go-yaml knows version 1.1 of the language alone.
    pub(super) fn check_directives(&mut self, from: usize, first: &Ev) {
        let lines = self.text.get(from..first.start).unwrap_or_default().lines();
        let mut versions = lines.filter_map(|line| line.strip_prefix("%YAML")).map(str::trim);
        if versions.any(|version| version.split([' ', '\t', '#']).next() != Some("1.1")) {
            self.refuse(first, "a `%YAML` line: sops' YAML parser takes no version but 1.1; leave the line out".to_owned());
        }
    }

    /// Keys that cannot be edited in place, or that go-yaml reads otherwise.
    pub(super) fn check_key(&mut self, event: &Ev, key: &str, notation: Notation) {
        self.check_question_mark(event);
        if notation == Notation::Flow {
            return;
        }
        let before = self.text.get(self.last_end..event.start).unwrap_or_default();
        if before.rsplit('\n').next().is_some_and(|line| line.trim_end().ends_with('?')) {
            self.refuse(event, format!("a key behind a question mark; write `{key}: …`"));
        } else if key.is_empty() && event.span.is_empty() {
            self.refuse(event, "an empty key; write it as `\"\"`".to_owned());
        }
    }

    /// In flow collections, go-yaml takes a `?` for the sign of a key even where no blank follows.
    pub(super) fn check_question_mark(&mut self, event: &Ev) {
        if self.flow > 0 && self.text.get(event.span.clone()).is_some_and(|spelled| spelled.starts_with('?')) {
            self.refuse(event, "a text that begins with `?` between brackets: sops' YAML parser reads it otherwise; quote it".to_owned());
        }
    }

    pub(super) fn check_collection_tag(&mut self, event: &Ev, expected: &str) {
        if let Some(tag) = event.tag.as_deref().filter(|tag| *tag != expected && *tag != "!") {
            self.refuse(event, format!("the tag `{tag}`: sops drops tags when it decrypts"));
        }
    }
}
