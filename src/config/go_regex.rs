//! Regular expressions in the syntax of Go, for engines with the syntax of the `regex` crate, and bounded ones of endless ones.
//! <https://pkg.go.dev/regexp/syntax>

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

/// Where an endless repetition ends, from the most to the least; the first that makes a pattern short enough is taken.
const ENDS: [u32; 6] = [1000, 400, 150, 60, 25, 12];

/// The same pattern in the syntax of the `regex` crate.
pub(super) fn translated(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 8);
    let (mut at, mut in_class) = (0, false);
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at + 1..];
        at += 1;
        match c {
            '\\' => at += escape(&mut out, rest),
            '[' if in_class => match posix(rest) {
                Some(length) => {
                    out.push('[');
                    out.extend(&rest[..length]);
                    at += length;
                }
                None => out.push_str("\\["),
            },
            '[' => {
                in_class = true;
                out.push('[');
                let mut rest = rest;
                if rest.first() == Some(&'^') {
                    out.push('^');
                    (rest, at) = (&rest[1..], at + 1);
                }
                // The first one is one of the characters.
                if rest.first() == Some(&']') {
                    out.push_str("\\]");
                    at += 1;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            // Twice in a row they mean operations on classes elsewhere.
            '&' | '~' if in_class => out.extend(['\\', c]),
            '-' if in_class && rest.first() == Some(&'-') => {
                // The first character of a class, or the sign of a range that ends with a dash.
                let is_first = at < 2 || chars[at - 2] == '[' || chars[at - 2] == '^';
                out.push_str(if is_first { "\\-" } else { "-\\-" });
                at += usize::from(!is_first);
            }
            '{' if !in_class && !is_count(rest) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// Writes what an escape means; gives how many characters after the backslash it has.
fn escape(out: &mut String, rest: &[char]) -> usize {
    match rest {
        ['Q', quoted @ ..] => {
            let end = quoted.windows(2).position(|pair| pair == ['\\', 'E']);
            let text: String = quoted[..end.unwrap_or(quoted.len())].iter().collect();
            out.push_str(&regex_syntax::escape(&text));
            1 + end.map_or(quoted.len(), |end| end + 2)
        }
        [digit @ '0'..='7', ..] if *digit == '0' || rest.get(1).is_some_and(|next| ('0'..='7').contains(next)) => {
            let digits: String = rest.iter().take(3).take_while(|digit| ('0'..='7').contains(*digit)).collect();
            out.push_str(&format!("\\x{{{:x}}}", u32::from_str_radix(&digits, 8).expect("they are octal digits")));
            digits.len()
        }
        [c, ..] => {
            if c.is_ascii_alphanumeric() || regex_syntax::is_meta_character(*c) || !c.is_ascii() {
                out.extend(['\\', *c]);
            } else {
                out.push_str(&format!("\\x{{{:x}}}", u32::from(*c)));
            }
            1
        }
        [] => {
            out.push('\\');
            0
        }
    }
}

/// How long `:alpha:]` is after its bracket.
fn posix(rest: &[char]) -> Option<usize> {
    let end = rest.windows(2).position(|pair| pair == [':', ']'])?;
    let is_name = rest.first() == Some(&':') && end > 0 && rest[1..end].iter().all(|c| c.is_ascii_lowercase() || *c == '^');
    is_name.then_some(end + 2)
}

/// Whether what follows a brace is how often something is repeated.
fn is_count(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|c| *c == '}') else { return false };
    let inside: String = rest[..end].iter().collect();
    let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

/// A pattern for a rule.
#[derive(Debug)]
pub(super) struct Bounded {
    /// In verbose mode, with the group `secret` if a group was asked for.
    pub(super) pattern: String,
    /// Groups that it has.
    pub(super) groups: u32,
}

/// A pattern that matches at most `reach` bytes: endless repetitions end. `group` is the credential, the first one if it is 0.
///
/// # Errors
/// Why there is none.
pub(super) fn bounded(pattern: &str, group: u32, reach: usize) -> Result<Bounded, String> {
    let source = translated(pattern);
    let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(&source);
    let last = |message: String| message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let hir = parsed.map_err(|error| format!("not a regular expression: {}", last(error.to_string())))?;
    let groups = u32::try_from(hir.properties().explicit_captures_len()).unwrap_or(u32::MAX);
    if group > groups {
        return Err(format!("there is no group {group} in the pattern"));
    }
    for end in ENDS {
        let hir = rebuilt(&hir, end, group.max(1));
        if hir.properties().maximum_len().is_none_or(|longest| longest > reach) {
            continue;
        }
        let pattern = format!("(?-x:{hir})");
        let compiled = regex::bytes::RegexBuilder::new(&pattern).unicode(false).ignore_whitespace(true).size_limit(16 << 20).build();
        if compiled.is_ok() {
            return Ok(Bounded { pattern, groups });
        }
    }
    Err(format!("its matches can be longer than {reach} bytes; tighten its repetitions"))
}

/// The same expression, in which endless repetitions end and one group has the name `secret`.
fn rebuilt(hir: &Hir, end: u32, group: u32) -> Hir {
    let again = |hir: &Hir| rebuilt(hir, end, group);
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let max = Some(repetition.max.unwrap_or(repetition.min.max(end)));
            Hir::repetition(Repetition { min: repetition.min, max, greedy: repetition.greedy, sub: Box::new(again(&repetition.sub)) })
        }
        HirKind::Capture(Capture { index, sub, .. }) => {
            let name = (*index == group).then(|| "secret".into());
            Hir::capture(Capture { index: *index, name, sub: Box::new(again(sub)) })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(again).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(again).collect()),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let regex = regex::bytes::RegexBuilder::new(&translated(pattern)).unicode(false).build();
        regex.unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text.as_bytes())
    }

    #[test]
    fn what_go_writes_otherwise() {
        for (pattern, text, other) in [
            (r"^\Qa.b[\E$", "a.b[", "axb["),
            (r"^[[a&&b~~]+$", "[a&b~", "c"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]a]$", "b", "]"),
            (r"^[[:alpha:]_]+$", "ab_", "a1"),
            (r"^a{,2}$", "a{,2}", "aa"),
            (r"^\{{x}$", "{{x}", "x"),
            (r"^a{2,}$", "aaa", "a"),
            (r"^\<\/\_\'$", "</_'", "/_'"),
            (r"^\101\x42$", "AB", "101"),
            (r"^(?i)key$", "KEY", "kex"),
            (r"^[\w.=-]{3}$", "a-=", "a b"),
            (r"^[+--]$", ",", "a"),
            (r"^[--0]+$", "-./0", "1"),
            (r"^a #b$", "a #b", "a"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
            assert!(!matches(pattern, other), "{pattern} {other}");
        }
    }

    #[test]
    fn patterns_for_rules_end() {
        let found = |pattern: &str, group, text: &str| {
            let bounded = bounded(pattern, group, 4096).expect("a pattern");
            let regex = regex::bytes::RegexBuilder::new(&bounded.pattern).unicode(false).ignore_whitespace(true).build().expect("it is");
            let captures = regex.captures(text.as_bytes())?;
            let found = captures.name("secret").or(captures.get(0)).expect("a match");
            Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
        };
        assert_eq!(found(r"acme key: [a-z]+", 0, "acme key: abc").as_deref(), Some("acme key: abc"));
        assert_eq!(found(r"(?i)acme\s*=\s*'([a-z]{3,})'", 0, "ACME = 'abc'").as_deref(), Some("abc"));
        assert_eq!(found(r"(acme|other)=(?P<secret>[a-z]+)", 2, "acme=abc").as_deref(), Some("abc"));
        assert_eq!(found(r"(?:(?:[a-z]+\.)+)+ #[0-9]+", 0, "a.b. #1").as_deref(), Some("a.b. #1"));
        assert!(bounded("a(b)", 2, 4096).expect_err("refused").contains("no group 2"));
        assert!(bounded("a(?=b)", 0, 4096).expect_err("refused").contains("not a regular expression"));
        assert!(bounded("[a-z]{5000}", 0, 4096).expect_err("refused").contains("4096 bytes"));
    }
}
