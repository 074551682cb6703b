//! References resolved: `ref+sops://FILE#/key/…`, as vals writes them, with the values in their place, quoted as the
//! place demands. A `+` right behind a reference ends it.

use zeroize::Zeroizing;

use super::outline::{Outline, Spelling};
use super::scalar::{escape_markup, is_markup};
use super::yaml::is_yaml;
use crate::secret::Secret;
use crate::text::Span;

pub(super) const START: &str = "ref+sops://";

/// A reference as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The SOPS file.
    pub file: String,
    /// Keys from its root.
    pub keys: Vec<String>,
}

/// Why a text cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError<E> {
    /// A reference that is none.
    #[error("line {line}: `{START}` is not followed by FILE#/KEY")]
    Malformed {
        /// Line, from 1.
        line: usize,
    },
    /// The value cannot be had.
    #[error("line {line}: {source}")]
    Value {
        /// Line, from 1.
        line: usize,
        /// Why.
        source: E,
    },
}

/// A text with its references resolved.
///
/// # Errors
/// [`RenderError`].
pub fn render<E>(
    path: &str,
    text: &str,
    resolve: &mut dyn FnMut(&Reference) -> Result<Secret, E>,
) -> Result<Zeroizing<String>, RenderError<E>> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let outline = is_yaml(path).then(|| Outline::new(text));
    let mut at = 0;
    while let Some(found) = text[at..].find(START) {
        let start = at + found;
        let line = 1 + text[..start].matches('\n').count();
        let (reference, length) = parse(&text[start..]).ok_or(RenderError::Malformed { line })?;
        let value = resolve(&reference).map_err(|source| RenderError::Value { line, source })?;
        let end = start + length;
        out.push_str(&text[at..start]);
        let holding = outline.as_ref().and_then(|outline| outline.holding(Span::new(start, end)));
        let is_block = holding.is_some_and(|item| item.spelling == Spelling::Block);
        match is_block {
            true => push_lines(&mut out, &value.expose_text(), &text[..start], &text[end..]),
            false => push_quoted(&mut out, path, &value.expose_text(), &text[..start], &text[end..]),
        }
        at = end;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// Lines of a block, each with the indentation of the first.
fn push_lines(out: &mut String, value: &str, before: &str, after: &str) {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let indent = &line[..line.len() - line.trim_start_matches(' ').len()];
    // The line end of the last line is the text's.
    let value = if after.starts_with('\n') { value.strip_suffix('\n').unwrap_or(value) } else { value };
    for (nth, line) in value.split('\n').enumerate() {
        if nth > 0 {
            out.push('\n');
            out.push_str(if line.is_empty() { "" } else { indent });
        }
        out.push_str(line);
    }
}

/// A reference at the start of a text, and its length with the `+` that ends it.
fn parse(text: &str) -> Option<(Reference, usize)> {
    let rest = &text[START.len()..];
    let file_end = rest.find(|c: char| c.is_whitespace() || "#?\"'`".contains(c))?;
    let file = &rest[..file_end];
    let hash = rest[file_end..].find("#/").map(|at| file_end + at)?;
    if rest[file_end..hash].contains(|c: char| c.is_whitespace() || "\"'`".contains(c)) {
        return None;
    }
    let fragment = &rest[hash + 2..];
    let end = fragment.find(|c: char| !(c.is_alphanumeric() || "_-./".contains(c))).unwrap_or(fragment.len());
    let keys: Vec<String> = fragment[..end].split('/').map(str::to_owned).collect();
    let plus = usize::from(fragment[end..].starts_with('+'));
    let sound = !file.is_empty() && keys.iter().all(|key| !key.is_empty());
    sound.then(|| (Reference { file: file.to_owned(), keys }, START.len() + hash + 2 + end + plus))
}

fn push_quoted(out: &mut String, path: &str, value: &str, before: &str, after: &str) {
    let yaml = is_yaml(path);
    let escapes = yaml || path.ends_with(".json") || path.ends_with(".toml");
    let line = before.rsplit('\n').next().unwrap_or(before);
    if is_markup(path) {
        return out.push_str(&Zeroizing::new(escape_markup(value)));
    }
    let rest = after.trim_start_matches([' ', '\t']);
    let ends_value = rest.is_empty() || rest.starts_with(['\n', '\r']) || rest.len() < after.len() && rest.starts_with('#');
    match (in_quotes(line), escapes) {
        (Some('"'), true) => {
            let quoted = Zeroizing::new(serde_json::Value::from(value).to_string());
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        (Some('\''), _) if yaml => out.push_str(&value.replace('\'', "''")),
        // A scalar of its own may hold anything that is quoted.
        (None, _) if yaml && line.ends_with([' ', '\t']) && ends_value && !is_plain(value) => {
            out.push_str(&Zeroizing::new(serde_json::Value::from(value).to_string()));
        }
        _ => out.push_str(value),
    }
}

/// Whether every reader of YAML takes a text without quotes as it stands.
fn is_plain(value: &str) -> bool {
    // `yes`, `0x1F`, `22:22` are texts to some readers alone.
    let telling = value.len() > 5 && value.starts_with(|c: char| c.is_ascii_alphabetic()) && !value.contains(['\n', '\r', '\t']);
    let line = Zeroizing::new(format!("k: {value}\n"));
    let read = || serde_yaml::from_str::<std::collections::BTreeMap<String, String>>(&line).is_ok_and(|map| map["k"] == value);
    telling && read()
}

/// The quote that is open at the end of a line.
fn in_quotes(line: &str) -> Option<char> {
    let mut open = None;
    let mut escaped = false;
    for c in line.chars() {
        match (open, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), c) if quote == c => open = None,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(path: &str, text: &str) -> String {
        let mut resolve = |reference: &Reference| -> Result<Secret, std::convert::Infallible> {
            assert_eq!(reference.file, "s/x.enc.yaml");
            Ok(Secret::new(format!("a\"b'{}", reference.keys.join(".")).into_bytes()))
        };
        render(path, text, &mut resolve).expect("renders").to_string()
    }

    #[test]
    fn values_are_quoted_as_the_place_demands() {
        assert_eq!(rendered("a.conf", "p ref+sops://s/x.enc.yaml#/k/l\n"), "p a\"b'k.l\n");
        assert_eq!(rendered("a.yaml", "p: ref+sops://s/x.enc.yaml#/k\n"), "p: \"a\\\"b'k\"\n");
        assert_eq!(rendered("a.yaml", "p: ref+sops://s/x.enc.yaml#/long\n"), "p: a\"b'long\n");
        let unsafe_value = |text: &str| {
            let mut resolve = |_: &Reference| -> Result<Secret, std::convert::Infallible> { Ok(Secret::new(b"a: #b".to_vec())) };
            render("a.yaml", text, &mut resolve).expect("renders").to_string()
        };
        assert_eq!(unsafe_value("p: ref+sops://s/x.enc.yaml#/k # c\n"), "p: \"a: #b\" # c\n");
        assert!(is_plain("kdfAX7R4kwFpi7Q") && !is_plain("yes") && !is_plain("a: bcdef") && !is_plain("abcdef #g") && !is_plain("'abcdef"));
        assert_eq!(rendered("a.yaml", "p: ref+sops://s/x.enc.yaml#/long # c\n"), "p: a\"b'long # c\n");
        assert_eq!(rendered("a.yaml", "p: |-\n  ref+sops://s/x.enc.yaml#/k\nq: r\n"), "p: |-\n  a\"b'k\nq: r\n");
        assert_eq!(rendered("a.yaml", "p: 'x ref+sops://s/x.enc.yaml#/k+y'\n"), "p: 'x a\"b''ky'\n");
        assert_eq!(rendered("a.json", "{\"p\": \"u:ref+sops://s/x.enc.yaml#/k+@h\"}"), "{\"p\": \"u:a\\\"b'k@h\"}");
        assert_eq!(rendered("a.txt", "ref+sops://s/x.enc.yaml?format=yaml#/k"), "a\"b'k");
    }

    #[test]
    fn lines_of_a_block_keep_its_indentation() {
        let mut resolve = |_: &Reference| -> Result<Secret, std::convert::Infallible> { Ok(Secret::new(b"a\nb\n\nc\n".to_vec())) };
        let text = "a:\n  key: |\n    ref+sops://s/x.enc.yaml#/k\n  z: 1\n";
        assert_eq!(*render("a.yaml", text, &mut resolve).expect("renders"), "a:\n  key: |\n    a\n    b\n\n    c\n  z: 1\n");
    }

    #[test]
    fn what_is_no_reference_is_an_error() {
        let mut never = |_: &Reference| -> Result<Secret, std::convert::Infallible> { panic!("not asked") };
        for text in ["ref+sops://x.yaml", "ref+sops://#/k", "ref+sops://x.yaml#/", "\n\nref+sops://x y#/k"] {
            assert!(matches!(render("a", text, &mut never), Err(RenderError::Malformed { .. })), "{text}");
        }
    }
}
