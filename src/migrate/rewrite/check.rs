//! What holds for the steps of every rewriter: a value moves whole or not at all, what takes its place is read as one
//! value, and only what is surely a secret is moved unasked.

use super::markdown::is_prose;
use super::words;
use crate::detect::base64_text;
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::plan::{Action, Applicability, Step};
use crate::migrate::scalar::Written;
use crate::migrate::whole;
use crate::rule::Confidence;
use crate::rule::lexicon::SAMPLE_MARKS;
use crate::text::Span;

/// Why a step that would be safe is not, if what it moves may be a false alarm.
const MEDIUM: &str = "it may not be a secret (medium confidence)";

/// The same, where the value itself says what it may be for.
const SAMPLE: &str = "its value speaks of a test or an example";

/// The same, where its name says that others may rely on it.
const DEFAULT: &str = "its name calls it a default, which others may rely on";

/// The same, in a text for people, where names of things stand.
const NAME: &str = "it looks like the name of something";

/// The same, where a user is called so, too.
const OF_USER: &str = "a user beside it is called so, too, as what programs come with is";

/// `SyncBailHook`, `update_on_project`, `@e2e-loss`, `/api/n?limit=1`, `me@corp.net`: what texts are full of.
fn is_like_name(site: &Site) -> bool {
    let value = site.secret.expose();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@/:?=&+".contains(byte);
    let letters = !value.iter().any(u8::is_ascii_digit);
    let path = matches!(value, [b'/' | b'@', ..]);
    let address = value.contains(&b'@') && value.contains(&b'.');
    const LONGEST_NAME: usize = 24;
    value.iter().all(part) && (letters && value.len() <= LONGEST_NAME || value.len() <= LONGEST && (path || address))
}

/// `MYSQL_USER: wso2carbon` a few lines above or below `MYSQL_PASSWORD: wso2carbon`.
fn is_of_user(site: &Site, file: &SourceFile) -> bool {
    const LINES: usize = 3;
    let (Some(text), Ok(value)) = (file.text(), std::str::from_utf8(site.secret.expose())) else { return false };
    let line = file.line_at(site.span.start);
    let is_user = |line: &str| {
        let set = line.split_once([':', '=']);
        set.is_some_and(|(name, user)| name.to_ascii_lowercase().contains("user") && user.trim().trim_matches(['"', '\'']) == value)
    };
    let (above, below) = (text[..line.end].lines().rev().take(LINES + 1), text[line.end..].lines().take(LINES + 1));
    above.chain(below).any(is_user)
}

/// The longest value that is asked for a word, in bytes; what a generator made has any by chance.
const LONGEST: usize = 40;

/// Whether a value has a word in it that people put into what they make up, also in digits and marks or in base64:
/// `5up3r53cr3t`, `Developer@123`.
fn is_like_sample(site: &Site) -> bool {
    let value = site.secret.expose();
    let says = |text: &[u8]| text.len() <= LONGEST && SAMPLE_MARKS.within(&without_disguise(text)) || is_word_and_count(text);
    says(value) || base64_text(value).is_some_and(|text| says(text.trim_ascii()))
}

/// In lower case, with letters for the digits and marks that stand for them.
fn without_disguise(text: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| match byte {
        b'@' | b'4' => b'a',
        b'0' => b'o',
        b'$' | b'5' => b's',
        b'3' => b'e',
        b'1' | b'!' => b'i',
        b'(' => b'c',
        byte => byte.to_ascii_lowercase(),
    };
    text.iter().map(letter).collect()
}

/// `Developer@123`: a word, perhaps a mark, and what everybody counts to.
fn is_word_and_count(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let rest = &text[letters..];
    let count = rest.strip_prefix(b"@").or(rest.strip_prefix(b"#")).or(rest.strip_prefix(b"_")).unwrap_or(rest);
    letters >= 3 && count.len() >= 3 && b"1234567890".starts_with(count.strip_suffix(b"!").unwrap_or(count))
}

/// Whether the name before a value says that it is a default: `DEFAULT_ROPASS=`.
fn is_called_default(site: &Site, file: &SourceFile) -> bool {
    let Some(text) = file.text() else { return false };
    let line = file.line_at(site.span.start);
    let before = text[line.start..site.span.start.max(line.start)].trim_end_matches(['"', '\'', ' ', ':', '=', '{', '$']);
    let start = words::start_behind(before, |c| !c.is_ascii_alphanumeric() && c != '_');
    before[start..].to_ascii_lowercase().starts_with("default_")
}

/// What is asked of a place.
type Test<'a> = &'a dyn Fn(&Site) -> bool;

/// Corrects a step of a file.
pub(super) fn check(step: &mut Step, file: &SourceFile) {
    if step.applicability == Applicability::Manual {
        return;
    }
    if is_cut(step, file) {
        (step.applicability, step.reason) = (Applicability::Manual, whole::CUT.to_owned());
        step.actions.clear();
        step.entries.clear();
        return;
    }
    step.actions.iter_mut().for_each(|action| quote_in_flow(action, file));
    let is_text = is_prose(file);
    let doubts: [(&str, Test<'_>); 5] = [
        (MEDIUM, &|site| site.confidence < Confidence::High),
        (SAMPLE, &is_like_sample),
        (NAME, &|site| is_text && is_like_name(site)),
        (OF_USER, &|site| is_of_user(site, file)),
        (DEFAULT, &|site| is_called_default(site, file)),
    ];
    let moved: Vec<&Site> = file.sites.iter().filter(|site| step.places.iter().any(|place| place.span == site.span)).collect();
    let doubt = doubts.iter().find(|(_, is_so)| moved.iter().any(|site| is_so(site)));
    if let Some((why, _)) = doubt.filter(|_| step.applicability == Applicability::Safe) {
        super::cast(step, &[], why);
    }
}

/// Whether a splice leaves a part of a value.
fn is_cut(step: &Step, file: &SourceFile) -> bool {
    let Some(text) = file.text() else { return false };
    let is_of_place = |span: &Span| step.places.iter().any(|place| place.span.overlaps(*span));
    let spans = step.actions.iter().filter_map(|action| match action {
        Action::Splice { file: path, span, .. } if *path == file.path => Some(*span),
        _ => None,
    });
    spans.filter(is_of_place).any(|span| whole::is_cut(text, file.scalars(), span))
}

/// Puts quotes around what takes the place of a YAML value without quotes in `{…}` or `[…]`, where brackets and commas
/// would end it.
fn quote_in_flow(action: &mut Action, file: &SourceFile) {
    let Action::Splice { file: path, span, text } = action else { return };
    let scalar = file.scalars().around(*span).filter(|scalar| *path == file.path && scalar.content == *span);
    let is_plain = scalar.is_some_and(|scalar| scalar.written == Written::FlowPlain);
    if is_plain && text.contains(['{', '}', '[', ']', ',']) && !text.starts_with(['"', '\'']) {
        *text = format!("'{}'", text.replace('\'', "''"));
    }
}
