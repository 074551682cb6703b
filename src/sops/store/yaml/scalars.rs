//! Scalars: their types as go-yaml sees them, and the bytes that a new value replaces.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::build::{Builder, syntax};
use super::events::{Ev, Form};
use super::resolve::{self, Resolved};
use super::shape::{ScalarShape, Shape};
use crate::sops::store::ReadError;
use crate::sops::tree::{Node, Scalar, Text};

impl Builder<'_> {
    pub(super) fn scalar(&mut self, event: &Ev, text: &str, form: Form) -> Result<(Node, Shape), ReadError> {
        let value = self.value(event, text, form)?;
        self.check_question_mark(event);
        let whole = self.scalar_span(event, form);
        self.last_end = whole.end;
        let (span, body) = match form {
            Form::Block(sign) => split_block(self.text, whole, sign),
            Form::Plain | Form::Quoted => (whole, None),
        };
        let pinned = self.is_used(event.anchor).then_some("an anchor");
        let shape = ScalarShape { span, body, line: event.line, value: value.clone(), pinned };
        Ok((Node::Scalar(value), Shape::Scalar(shape)))
    }

    fn scalar_span(&self, event: &Ev, form: Form) -> Range<usize> {
        if event.span.is_empty() && form == Form::Plain && event.start == event.span.start {
            // An empty value stands where its key's colon or its item's dash ends.
            let gap = &self.text[self.last_end..event.span.end.max(self.last_end)];
            let at = self.last_end + gap.find(':').map_or(0, |at| at + 1);
            return at..at;
        }
        match form {
            Form::Block(sign) => {
                let from = self.last_end.min(event.span.start);
                let head = &self.text[from..event.span.start];
                let after_tag = event.start.max(from) - from;
                let header = head.get(after_tag..).and_then(|rest| rest.find(sign)).map(|at| from + after_tag + at);
                let header = header.or_else(|| head.find(sign).map(|at| from + at)).unwrap_or(event.span.start);
                let start = if event.tag.is_some() { event.start.min(header) } else { header };
                let body = self.text[header..event.span.end].trim_end();
                start..header + body.len()
            }
            Form::Plain | Form::Quoted => event.start..event.span.end,
        }
    }

    fn value(&mut self, event: &Ev, text: &str, form: Form) -> Result<Scalar, ReadError> {
        let as_text = || Scalar::Text(Text::from(text));
        if matches!(form, Form::Quoted) && self.text.get(event.start..event.span.end).is_some_and(has_slash_escape) {
            self.refuse(event, "the escape `\\/`: sops' YAML parser does not know it; write `/`".to_owned());
        }
        let Some(tag) = event.tag.as_deref().filter(|tag| *tag != "!") else {
            return match form {
                Form::Plain => self.plain(event, text),
                Form::Quoted | Form::Block(_) => Ok(as_text()),
            };
        };
        Ok(match tag {
            "str" => as_text(),
            "int" | "float" | "bool" | "timestamp" | "null" => self.tagged(event, tag, text)?,
            "binary" => {
                self.refuse(event, "`!!binary`: sops stores the decoded bytes as text and the tag is lost".to_owned());
                let compact: String = text.split_whitespace().collect();
                let bytes = STANDARD.decode(compact).map_err(|_| syntax(event, "`!!binary` is not valid base64"))?;
                Scalar::Text(Text::new(bytes))
            }
            other => {
                self.refuse(event, format!("the tag `{other}`: sops drops tags when it decrypts"));
                as_text()
            }
        })
    }

    fn plain(&mut self, event: &Ev, text: &str) -> Result<Scalar, ReadError> {
        match resolve::resolve(text) {
            Resolved::Value(value) => {
                self.note_altered(event, text, &value);
                Ok(value)
            }
            Resolved::Merge => Ok(Scalar::Text(Text::from(text))),
            Resolved::TooBig => Err(syntax(event, "a number above 9223372036854775807; sops cannot encrypt it, quote it")),
        }
    }

    fn tagged(&mut self, event: &Ev, tag: &str, text: &str) -> Result<Scalar, ReadError> {
        let resolved = self.plain(event, text)?;
        let fits = match (tag, resolved) {
            #[allow(clippy::cast_precision_loss, reason = "that is what the tag asks for")]
            ("float", Scalar::Int(number)) => Some(Scalar::Float(number as f64)),
            ("int", value @ Scalar::Int(_))
            | ("float", value @ Scalar::Float(_))
            | ("bool", value @ Scalar::Bool(_))
            | ("timestamp", value @ Scalar::Time(_))
            | ("null", value @ Scalar::Null) => Some(value),
            _ => None,
        };
        fits.ok_or_else(|| syntax(event, &format!("the value does not fit its tag `!!{tag}`")))
    }
}

/// Whether a quoted scalar, as it is spelled, has a `\/` in it.
fn has_slash_escape(spelled: &str) -> bool {
    let mut bytes = spelled.bytes();
    if bytes.next() != Some(b'"') {
        return false;
    }
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'/') {
            return true;
        }
    }
    false
}

/// A block scalar's header (`|2-`, with its tag) and the lines below it.
fn split_block(text: &str, whole: Range<usize>, sign: char) -> (Range<usize>, Option<Range<usize>>) {
    let line_end = text[whole.clone()].find('\n').map_or(whole.end, |at| whole.start + at);
    let header = &text[whole.start..line_end];
    let signs = header.find(sign).map_or(0, |at| at + 1);
    let width = header[signs..].bytes().take_while(|b| b.is_ascii_digit() || b"+-".contains(b)).count();
    let body_start = line_end - usize::from(header.ends_with('\r'));
    (whole.start..whole.start + signs + width, Some(body_start..whole.end).filter(|body| !body.is_empty()))
}
