//! Which leaked values stand in a value, where only their fingerprints are known: the value's spellings and its parts are
//! fingerprinted one by one.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use crate::finding::{Fingerprint, FingerprintKey};
use crate::secret::Secret;
use crate::sought;

/// The longest part that is looked at, in bytes. Keys in a text form are looked at whole.
const LONGEST_PART: usize = 512;
/// Parts of one value that are looked at.
const MOST_PARTS: usize = 200_000;

/// What was found in a value.
#[derive(Debug, Default)]
pub struct Leaks {
    /// The leaked values in it.
    pub found: BTreeSet<Fingerprint>,
    /// Whether the value was too large for all of its parts to be looked at.
    pub is_cut: bool,
}

/// Which of some leaked values are this value, are a part of it, such as the password of a URL, or are either in another
/// spelling: with or without base64, percent-encoding, escapes or a line end.
pub fn leaks_in(value: &[u8], key: &FingerprintKey, wanted: &BTreeSet<Fingerprint>) -> Leaks {
    let mut leaks = Leaks::default();
    if wanted.is_empty() || value.is_empty() {
        return leaks;
    }
    let look = |part: &[u8], leaks: &mut Leaks| {
        let fingerprint = key.fingerprint(&Secret::new(part.to_vec()));
        if wanted.contains(&fingerprint) {
            leaks.found.insert(fingerprint);
        }
    };
    for text in readings(value) {
        for spelling in sought::spelled_whole(&Secret::new(text.to_vec())) {
            look(&spelling, &mut leaks);
        }
        look(&text, &mut leaks);
        let (parts, is_cut) = parts(&text);
        leaks.is_cut |= is_cut;
        parts.into_iter().for_each(|part| look(part, &mut leaks));
    }
    leaks
}

/// The value, and what it stands for if it is an encoding.
fn readings(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    let trimmed = value.trim_ascii();
    for text in [value, trimmed] {
        all.insert(text.to_vec(), ());
    }
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => *byte,
    };
    let digits = trimmed.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=');
    let bare: Zeroizing<Vec<u8>> = Zeroizing::new(digits.map(standard).collect());
    if let Ok(decoded) = STANDARD_NO_PAD.decode(&*bare) {
        all.insert(decoded.trim_ascii_end().to_vec(), ());
        all.insert(decoded, ());
    }
    all.insert(percent_decoded(trimmed), ());
    if let Ok(text) = std::str::from_utf8(trimmed)
        && let Ok(serde_json::Value::String(text)) = serde_json::from_str(&format!("\"{text}\""))
    {
        all.insert(text.into_bytes(), ());
    }
    all.into_keys().map(Zeroizing::new).collect()
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Everything that begins and ends where a word does and hardly stands there by chance; whether that is not all.
fn parts(text: &[u8]) -> (Vec<&[u8]>, bool) {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let is_edge = |at: &usize| *at == 0 || *at == text.len() || !word(text[*at - 1]) || !word(text[*at]);
    let edges: Vec<usize> = (0..=text.len()).filter(is_edge).collect();
    let mut parts = keys(text);
    for (at, &start) in edges.iter().enumerate() {
        for &end in edges[at + 1..].iter().take_while(|end| **end - start <= LONGEST_PART) {
            let part = &text[start..end];
            if sought::is_common(part) {
                continue;
            }
            if parts.len() == MOST_PARTS {
                return (parts, true);
            }
            parts.push(part);
        }
    }
    (parts, false)
}

/// Private keys in a text form.
fn keys(text: &[u8]) -> Vec<&[u8]> {
    let begins = memchr::memmem::find_iter(text, b"-----BEGIN ");
    let key = |start: usize| {
        let rest = &text[start..];
        let end = memchr::memmem::find(rest, b"-----END ")?;
        let close = memchr::memmem::find(&rest[end + 9..], b"-----")?;
        Some(&rest[..end + 9 + close + 5])
    };
    begins.take(64).filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn found(leaked: &str, value: impl AsRef<[u8]>) -> bool {
        let key = FingerprintKey::new(vec![7; 32]).expect("long enough");
        let wanted = BTreeSet::from([key.fingerprint(&Secret::new(leaked.into()))]);
        !leaks_in(value.as_ref(), &key, &wanted).found.is_empty()
    }

    #[test]
    fn a_leaked_value_is_known_in_what_is_made_of_it() {
        let leaked = "gR4nite~Falcon&27";
        for value in [
            leaked.to_owned(),
            format!("{leaked}\n"),
            STANDARD.encode(leaked),
            STANDARD.encode(format!("{leaked}\n")),
            format!("postgres://app:{leaked}@db.corp.net:5432/app"),
            "postgres://app:gR4nite~Falcon%2627@db.corp.net/app".to_owned(),
            STANDARD.encode(format!("postgres://app:{leaked}@db.corp.net:5432/app")),
            format!("{{\"user\": \"app\", \"password\": \"{leaked}\"}}"),
        ] {
            assert!(found(leaked, &value), "{value}");
            assert!(!found("gR4nite~Falcon&28", &value), "{value}");
        }
        assert!(found(&STANDARD.encode(leaked), leaked), "what leaked was the base64");
        assert!(found("a \"quoted\" Falcon-27", "a \\\"quoted\\\" Falcon-27"));
        assert!(found("secret", "secret") && !found("secret", "my-secret-2"), "a short word is a part of anything");
    }

    #[test]
    fn a_value_is_looked_at_up_to_a_bound() {
        let key = FingerprintKey::new(vec![7; 32]).expect("long enough");
        let wanted = BTreeSet::from([key.fingerprint(&Secret::new(b"x".to_vec()))]);
        assert!(leaks_in(".a1".repeat(4_000).as_bytes(), &key, &wanted).is_cut);
        assert!(!leaks_in("a1".repeat(4_000).as_bytes(), &key, &wanted).is_cut);
    }
}
