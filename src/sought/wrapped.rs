//! Long runs of base64 or hexadecimal are broken into lines. Read without the breaks, a value in them is whole again.

use std::ops::Range;

use crate::text::Span;

/// Lines shorter than this are hardly pieces of a run.
const LEAST_LINE: usize = 40;

/// A text without the breaks inside runs, and the way back.
pub(super) struct Unwrapped {
    pub(super) text: Vec<u8>,
    /// Where a piece starts: in this text, in the original.
    pieces: Vec<(usize, usize)>,
}

impl Unwrapped {
    /// Adds a part of the original, which starts there at a place.
    fn add(&mut self, text: &[u8], start: usize) {
        self.pieces.push((self.text.len(), start));
        let mut at = 0;
        while at < text.len() {
            let len = break_len(&text[at..]);
            let inside = self.text.last().is_some_and(|&byte| in_run(byte)) && text.get(at + len).is_some_and(|&byte| in_run(byte));
            if len > 0 && inside {
                at += len;
                self.pieces.push((self.text.len(), start + at));
            } else {
                self.text.push(text[at]);
                at += 1;
            }
        }
    }

    /// The part of the original that a part of this text comes from.
    pub(super) fn in_text(&self, span: Span) -> Span {
        let original = |at: usize| {
            let piece = self.pieces.partition_point(|&(start, _)| start <= at) - 1;
            let (start, original) = self.pieces[piece];
            original + at - start
        };
        Span::new(original(span.start), original(span.end - 1) + 1)
    }
}

/// The parts of a text with broken runs, joined; if it has any.
pub(super) fn unwrapped(text: &[u8]) -> Option<Unwrapped> {
    let stretches = stretches(text);
    if stretches.is_empty() {
        return None;
    }
    let mut out = Unwrapped { text: Vec::new(), pieces: Vec::new() };
    for stretch in stretches {
        out.add(&text[stretch.clone()], stretch.start);
        // What stands in different parts is not joined.
        out.text.push(b'\n');
    }
    Some(out)
}

/// A text without breaks between characters of runs.
pub(super) fn joined(text: &[u8]) -> Unwrapped {
    let mut out = Unwrapped { text: Vec::with_capacity(text.len()), pieces: Vec::new() };
    out.add(text, 0);
    out
}

/// Lines that end in the middle of a run, each with the one below.
fn stretches(text: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut escaped = Vec::new();
    let line_start = |at: usize| memchr::memrchr(b'\n', &text[..at]).map_or(0, |before| before + 1);
    let line_end = |at: usize| memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |after| at + after);
    for end in ends_of_runs(text) {
        let rest = &text[end..];
        if rest.starts_with(b"\\n") {
            escaped.push(end);
        } else if let Some(len) = line_break(rest) {
            let stretch = line_start(end)..line_end(end + len);
            match found.last_mut() {
                Some(last) if stretch.start <= last.end => last.end = last.end.max(stretch.end),
                _ => found.push(stretch),
            }
        }
    }
    for at in escaped {
        if found.iter().all(|known| at < known.start || known.end <= at) {
            found.push(line_start(at)..line_end(at));
        }
    }
    found.sort_by_key(|stretch| stretch.start);
    found
}

/// The length of the end of a line at the start of a text, with the blanks and the one backslash that may stand before it.
fn line_break(text: &[u8]) -> Option<usize> {
    let blanks = |text: &[u8]| text.iter().take_while(|&&byte| byte != b'\n' && byte.is_ascii_whitespace()).count();
    let mut len = blanks(text);
    if text.get(len) == Some(&b'\\') {
        len += 1;
        len += blanks(&text[len..]);
    }
    (text.get(len) == Some(&b'\n')).then_some(len + 1)
}

/// Where runs end that are as long as [`LEAST_LINE`] and whose ends look like pieces of base64 or hexadecimal. A run that long
/// has a byte at every place that is a multiple of its length away; few places are looked at.
fn ends_of_runs(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut start = 0;
    std::iter::from_fn(move || {
        loop {
            let window = text.get(start..start + LEAST_LINE)?;
            if let Some(last) = window.iter().rposition(|&byte| !IN_PIECE[usize::from(byte)]) {
                start += last + 1;
                continue;
            }
            let end = start + LEAST_LINE;
            let end = end + text[end..].iter().take_while(|&&byte| IN_PIECE[usize::from(byte)]).count();
            start = end;
            if is_piece(&text[end - LEAST_LINE..end]) {
                return Some(end);
            }
        }
    })
}

/// Bytes of base64 or hexadecimal.
const IN_PIECE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'+' | b'/');
        byte += 1;
    }
    table
};

/// Whether letters and digits are mixed as they hardly are in words.
fn is_piece(text: &[u8]) -> bool {
    let has = |sort: fn(&u8) -> bool| text.iter().any(sort);
    has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// The length of a break of lines at the start of a text, written as it is or with escapes, and of the blanks,
/// quotation marks and comment signs around it.
fn break_len(text: &[u8]) -> usize {
    let mut at = 0;
    let mut broken = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        at += match rest {
            [b'\\', b'r' | b'n', ..] => {
                broken = true;
                2
            }
            [b'\n', ..] => {
                broken = true;
                1
            }
            [b' ' | b'\t' | b'\r', ..] => 1,
            [b'\\', b'\n' | b'\r', ..] => 1,
            _ => break,
        };
        if at > 200 {
            return 0;
        }
    }
    if broken { at } else { 0 }
}

fn in_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::super::{Sought, Spelling};
    use crate::secret::Secret;

    fn pem(width: usize, end: &str) -> String {
        let body: String =
            (0..400).map(|at: u32| char::from(b"ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789+/"[(at * 7 % 43) as usize])).collect();
        let lines: Vec<&str> = body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        format!("-----BEGIN KEY-----{end}{}{end}-----END KEY-----{end}", lines.join(end))
    }

    #[test]
    fn a_key_is_found_however_its_lines_are_broken() {
        let sought = Sought::new(&[Secret::new(pem(64, "\n").into_bytes())]);
        for text in [pem(70, "\n"), pem(76, "\r\n"), pem(64, "\n    "), pem(70, "\\n"), pem(400, "\n"), pem(48, " \\\n")] {
            let hits = sought.hits(text.as_bytes());
            assert_eq!(hits.iter().map(|hit| hit.spelling).collect::<Vec<_>>(), [Spelling::Body], "{text}");
            let found = &text.as_bytes()[hits[0].span.range()];
            assert!(found.len() >= 400 && !found.starts_with(b"-"), "{text}");
            assert_eq!(sought.identify(found), Some((0, Spelling::Body)));
        }
    }

    #[test]
    fn lines_that_end_in_a_run_are_told_from_others() {
        let run = "Ab1+/".repeat(8);
        for broken in ["\n", "\r\n", "  \n", " \\\n", "\\\r\n", "\\n"] {
            let text = format!("first\nx {run}{broken}below\nlast\n");
            let found: Vec<&str> = super::stretches(text.as_bytes()).into_iter().map(|stretch| &text[stretch]).collect();
            assert_eq!(found, [format!("x {run}{broken}below")], "{broken:?}");
        }
        let (short, words) = (&run[1..], "word".repeat(20));
        for other in [short, &words, &format!("{run};"), &format!("{run} \\\\"), &format!("{run}\\t")] {
            assert!(super::stretches(format!("first\n{other}\nbelow\n").as_bytes()).is_empty(), "{other}");
        }
        let text = format!("{run}\n{run}\n\n{run}\n");
        assert_eq!(super::stretches(text.as_bytes()), [0..82, 83..text.len()]);
    }

    #[test]
    fn a_value_inside_wrapped_base64_is_found_beside_others() {
        let secret = "gR4nite-Falcon-27";
        let sought = Sought::new(&[Secret::new(secret.into())]);
        for before in 0..90 {
            let file = format!("{}\npassword: {secret}\nmore: {}\n", "x".repeat(before), "y".repeat(90));
            let encoded = STANDARD.encode(file);
            let lines: Vec<&str> = encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
            let hits = sought.hits(lines.join("\n").as_bytes());
            assert_eq!(hits.len(), 1, "{before}");
            assert_eq!(hits[0].spelling, Spelling::Base64);
        }
    }
}
