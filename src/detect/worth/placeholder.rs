//! Values that stand in for a secret: placeholders people write, tokens of documentation, and the
//! references of `reference`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::randomness::reads_as_words;
use super::reference::{holds_numbered_verb, holds_reference, is_encrypted, is_joined_variable, is_reference};
use crate::detect::Evidence;
use crate::rule::lexicon::{
    BEFORE_PASSWORD, FAKE_TOKEN_MARKS, NO_VALUES, PASSWORDS, PLACEHOLDER_MARKS, STAND_IN_STARTS, STAND_INS, VALUES, WEAK_PASSWORDS,
};

static STAND_IN: Evidence = Evidence::new("stand-in", "a word that stands in for a secret");
static NUMBERED: Evidence = Evidence::new("numbered-word", "a word for a secret and a number");
static DISGUISED: Evidence = Evidence::new("disguised-word", "the word for a password, disguised");
static CONSTANT: Evidence = Evidence::new("constant", "words in capitals that tell what belongs here");
static MARKED: Evidence = Evidence::new("placeholder", "a placeholder");
static SLOT: Evidence = Evidence::new("slot", "a slot to be filled");
static REPETITION: Evidence = Evidence::new("repetition", "the same again and again");
static REFERENCE: Evidence = Evidence::new("reference", "a reference");
static ENCRYPTED: Evidence = Evidence::new("encrypted", "encrypted");
static FAKE: Evidence = Evidence::new("fake-token", "a token that was invented for documentation");

/// Whether a value assigned to a name is a stand-in or a reference and so not a secret.
pub(in crate::detect) fn is_placeholder(value: &[u8]) -> bool {
    stands_in(value).is_some()
}

/// What a value assigned to a name is if it stands in for a secret or refers to one.
pub(super) fn stands_in(value: &[u8]) -> Option<&'static Evidence> {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    let plain = lower.strip_prefix("{noop}").unwrap_or(&lower);
    let bare = plain.trim_matches(|c: char| c.is_whitespace() || "\"'`*_()[]{}<>:".contains(c));
    let letters: String = bare.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    match () {
        () if [bare, &letters].iter().any(|text| STAND_INS.has(text) || WEAK_PASSWORDS.has(text)) => Some(&STAND_IN),
        () if is_numbered_word(&letters) => Some(&NUMBERED),
        () if is_disguised_word(bare) => Some(&DISGUISED),
        () if is_constant(value) => Some(&CONSTANT),
        () if holds_mark(&lower) => Some(&MARKED),
        () if is_enclosed(&lower) => Some(&SLOT),
        () if is_repetitive(value) => Some(&REPETITION),
        () if is_reference(value) => Some(&REFERENCE),
        () if is_encrypted(value) => Some(&ENCRYPTED),
        () if value.contains(&b',') => {
            let mut parts = value.split(|&byte| byte == b',').map(|part| if part.is_empty() { None } else { stands_in(part) });
            let first = parts.next().flatten();
            first.filter(|_| parts.all(|part| part.is_some()))
        }
        () => None,
    }
}

/// Whether a text says of itself that it is no password: `changeme`, `<password>`, `required`.
pub(in crate::detect) fn is_self_declared(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "\"'`*_()[]{}<>:".contains(c));
    let letters: String = bare.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    let digits = value.iter().all(u8::is_ascii_digit);
    let boasts = (bare.starts_with("my") && !bare.starts_with("mysql") || bare.starts_with("super") && bare.contains("password"))
        && is_disguised_word(bare);
    STAND_INS.has(bare)
        || STAND_INS.has(&letters)
        || NO_VALUES.has(bare)
        || is_value(bare)
        || boasts
        || asks(bare.as_bytes())
        || is_constant(value)
        || holds_mark(&lower)
        || is_enclosed(&lower)
        || !digits && is_repetitive(value) && !is_short_word(value) && !repeats_a_word(value)
        || is_reference(value)
        || is_encrypted(value)
}

/// `your-…`, `replace …`: whether a text begins as what asks for a value does. `changeit` is the password of Java's own key stores.
pub(in crate::detect) fn asks(text: &[u8]) -> bool {
    let lower = text.to_ascii_lowercase();
    lower != b"changeit" && STAND_IN_STARTS.begins(&lower)
}

/// Whether a text in lower case holds a mark of stand-ins. One that begins with `my` and ends with a number that nobody counts
/// to is what somebody chose: `mysecretpw81`.
fn holds_mark(lower: &str) -> bool {
    const COUNTED: [&str; 8] = ["10", "11", "12", "21", "23", "99", "00", "20"];
    let digits = lower.len() - lower.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let chosen = lower.starts_with("my") && digits == 2 && !COUNTED.iter().any(|count| lower.ends_with(count)) && !lower.contains("0");
    marks_in(lower).any(|mark| !(chosen && mark.starts_with("my")))
}

/// The marks of stand-ins in a text in lower case. A short word stands by itself, as in `todo-later` and not in `mastodon`.
fn marks_in(lower: &str) -> impl Iterator<Item = &str> {
    static FAKE_TOKEN_MARKS: LazyLock<AhoCorasick> =
        LazyLock::new(|| AhoCorasick::new(PLACEHOLDER_MARKS.iter()).expect("the marks are few and short"));
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    FAKE_TOKEN_MARKS.find_overlapping_iter(lower).filter_map(move |found| {
        let mark = &lower[found.range()];
        let word = mark.len() <= 4 && mark.bytes().all(|byte| byte.is_ascii_lowercase()) && !is_repetitive(mark.as_bytes());
        let alone = || !letter(lower[..found.start()].chars().next_back()) && !letter(lower[found.end()..].chars().next());
        (!word || alone()).then_some(mark)
    })
}

/// What a value that looks generated is if it says of itself that it stands in for one, is encrypted, or
/// holds a whole reference: `Xy7!example#9`, `${HOST}:3#xK9`.
pub(super) fn stands_in_though_generated(value: &[u8]) -> Option<&'static Evidence> {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    match () {
        () if marks_in(&lower).any(|mark| mark.len() > 4) || is_documented(&lower) => Some(&MARKED),
        () if lower.contains("...") || is_slot_of_name(value) => Some(&SLOT),
        () if is_repetitive(value) => Some(&REPETITION),
        () if is_encrypted(value) => Some(&ENCRYPTED),
        () if holds_reference(value) || holds_numbered_verb(value) || is_joined_variable(value) => Some(&REFERENCE),
        // `$(New-Object`, the beginning of an expression; `@/dev/fd/0`, from which a program reads.
        () if value.starts_with(b"$(") || value.starts_with(b"@/") => Some(&REFERENCE),
        () if is_disguised_word(&lower) => Some(&DISGUISED),
        () => None,
    }
}

/// What is in a provider's format, if it was invented for documentation.
pub(in crate::detect) fn fake(value: &[u8]) -> Option<&'static Evidence> {
    is_fake_token(value).then_some(&FAKE)
}

/// Ciphertext, or a value that dots cut short.
pub(in crate::detect) const CUT_OR_ENCRYPTED: &Evidence = &Evidence::new("cut-or-encrypted", "encrypted, or cut short by dots");

/// `<s3_loki_key>`, `{env:API_KEY}`, `"a-1"`: a pair of brackets or quotes with a name in it.
fn is_slot_of_name(value: &[u8]) -> bool {
    const PAIRS: [(u8, u8); 8] =
        [(b'<', b'>'), (b'{', b'}'), (b'[', b']'), (b'(', b')'), (b'"', b'"'), (b'\'', b'\''), (b'%', b'%'), (b'`', b'`')];
    let [open, inner @ .., close] = value else { return false };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b' ');
    PAIRS.contains(&(*open, *close)) && inner.iter().all(name)
}

/// `value1` beside `key1`, as documentation has them, in some languages.
fn is_value(text: &str) -> bool {
    VALUES.has(text.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// `password1`, `contraseña123`, `orgtoken2`: a word for a password or token and a few digits.
fn is_numbered_word(text: &str) -> bool {
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!');
    if is_value(text) {
        return true;
    }
    let token = word.len() <= 12 && word.ends_with("token") && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.len() - word.len() <= 4 && word.len() > 3 && (token || PASSWORDS.has(word))
}

/// `DEFINED-IN-REGION-CHART`, `HTPASSWD`: words in capitals that tell what belongs here.
fn is_constant(value: &[u8]) -> bool {
    let letters = |part: &[u8]| part.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let capitals =
        |part: &[u8]| letters(part) > 1 && part[letters(part)..].iter().all(u8::is_ascii_digit) && part.len() - letters(part) <= 2;
    let mut parts = 0;
    let words = value.split(|byte| matches!(byte, b'-' | b'_')).inspect(|_| parts += 1).all(capitals);
    let lower = String::from_utf8_lossy(value).to_lowercase();
    let lower = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    words
        && (parts > 2
            || lower.starts_with("your")
            || ["passwd", "password", "passphrase", "token", "secret"].iter().any(|word| lower.ends_with(word)))
}

/// `MyP@ssw0rd123!`, `test-password-1`: that word again, with a word before it and a count behind it.
fn is_disguised_word(text: &str) -> bool {
    const COUNTS: [&str; 7] = ["", "01", "12", "123", "1234", "12345", "12345678"];
    let word = text.trim_end_matches(|c: char| c.is_ascii_punctuation());
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let count = &word[name.len()..];
    let letters: String = name
        .chars()
        .filter_map(|c| match c {
            '@' | '4' => Some('a'),
            '0' => Some('o'),
            '$' | '5' => Some('s'),
            '3' => Some('e'),
            c => c.is_alphanumeric().then_some(c),
        })
        .collect();
    let stem = ["password", "passwd", "passord"].iter().find_map(|word| letters.strip_suffix(word));
    let peeled = |mut before: &str| {
        while let Some(rest) = BEFORE_PASSWORD.iter().find_map(|word| before.strip_suffix(word)) {
            before = rest;
        }
        before.is_empty()
    };
    (count.len() == 1 || COUNTS.contains(&count)) && stem.is_some_and(peeled)
}

/// `<…>`, `[…]`, `{…}`, `(…)`, `%…%`, `__…__`, `@@…@@`, `#{…}#`, three marks or more that stand on both sides: a slot to be filled.
fn is_enclosed(value: &str) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        ("<", ">"),
        ("[", "]"),
        ("{", "}"),
        ("(", ")"),
        ("%", "%"),
        ("__", "__"),
        ("@@", "@@"),
        ("@", "@"),
        ("*", "*"),
        ("$", "$"),
        ("#", "#"),
        ("«", "»"),
        ("%%", "%%"),
        ("|", "|"),
    ];
    // `^_^password^_^`, `---token---`
    let start = value.len() - value.trim_start_matches(|c: char| c.is_ascii_punctuation()).len();
    let wrapped = start >= 3 && value.len() > 2 * start && value.ends_with(&value[..start]);
    // `#Kb15fox#`: between two of the same symbol a password may stand.
    let mixed = |inner: &str| inner.len() >= 6 && inner.bytes().any(|byte| byte.is_ascii_digit()) && !inner.contains(['_', '-', ' ']);
    PAIRS.iter().any(|(open, close)| {
        let inner = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).filter(|inner| !inner.is_empty());
        inner.is_some_and(|inner| open.len() > 1 || open != close || !mixed(inner))
    }) || wrapped
        || value.contains('<') && value.contains('>')
        || value.contains("\\u003c") && value.contains("\\u003e")
        || value.contains('…')
        || value.contains("...")
}

/// `odoo`, `n8n`: so short that two distinct letters can be a word.
fn is_short_word(value: &[u8]) -> bool {
    value.len() <= 4 && value.iter().any(|byte| *byte != value[0]) && value.iter().all(u8::is_ascii_alphanumeric) && !value.contains(&b'x')
}

/// `secretsecretsecret`: a word again and again, to be long enough.
fn repeats_a_word(value: &[u8]) -> bool {
    (4..=12).any(|unit| {
        value.len() > unit && value.chunks(unit).all(|chunk| value.starts_with(chunk)) && {
            let word = &value[..unit];
            word.iter().all(u8::is_ascii_lowercase) && !is_repetitive(word) && (reads_as_words(word) || matches!(word, b"asdf" | b"qwer"))
        }
    })
}

/// One or two distinct characters, or a short unit again and again.
pub(in crate::detect) fn is_repetitive(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    value.iter().filter(|byte| !byte.is_ascii_whitespace()).for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&used| used).count();
    let units = |unit: usize| value.len() >= 3 * unit && value.chunks(unit).all(|chunk| value.starts_with(chunk));
    distinct <= 2 || (2..=16).any(units)
}

/// Whether a text in lower case holds a part of the key pair of the AWS documentation, whatever its ending, or
/// of the key of every Azure Storage emulator.
fn is_documented(lower: &str) -> bool {
    ["iosfodnn7", "wjalrxutnfemi", "eby8vdm02xnocqflquwjpllmetlcdxj1"].iter().any(|part| lower.contains(part))
}

/// Whether something in a provider's format was invented for documentation.
fn is_fake_token(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let body = lower.iter().rposition(|&byte| byte == b'_' || byte == b'-').map_or(&lower[..], |at| &lower[at + 1..]);
    FAKE_TOKEN_MARKS.within(&lower)
        || is_documented(&String::from_utf8_lossy(&lower))
        || is_repetitive(value)
        || (body.len() >= 16 && is_low_variety(body))
        || lower.split(|&byte| byte == b'.').any(|part| part.len() >= 16 && is_repetitive(part))
        || lower.split(|&byte| byte == b'-').any(|part| part.len() == 12 && is_repetitive(part))
        || is_counted(&lower)
        || lower.len() == 36 && is_counted(&lower.iter().copied().filter(|byte| *byte != b'-').collect::<Vec<u8>>())
        || is_slot(value)
        || lower.contains(&b'<') && lower.contains(&b'>')
}

/// Holds a variable or a template where a token has characters.
fn is_slot(value: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 5] = [b"${", b"$(", b"{{", b"<%", b"%("];
    OPENINGS.iter().any(|opening| value.starts_with(opening)) || memchr::memmem::find(value, b"${").is_some()
}

/// Mostly runs such as `1234` and `abcdef`.
fn is_counted(value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let follows = |pair: &[u8]| pair[0].is_ascii_alphanumeric() && pair[1] == pair[0] + 1;
    let mut counted = 0;
    let mut run = 1;
    for pair in value.windows(2).map(follows).chain([false]) {
        if pair {
            run += 1;
        } else {
            counted += if run >= SHORTEST { run } else { 0 };
            run = 1;
        }
    }
    counted * 5 >= value.len() * 4 && counted > 0
}

/// Far fewer distinct characters than chance would give.
fn is_low_variety(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    body.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|&&used| used).count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_and_references() {
        for value in [
            "changeme",
            "CHANGE_ME",
            "<password>",
            "***",
            "********",
            "xxxx",
            "your-secret-key",
            "REPLACE_ME",
            "[REDACTED]",
            "n/a",
            "…",
            "-",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$(PGPASSWORD)",
            "{{ .Values.a.b }}",
            "__PASSWORD__",
            "@@PASSWORD@@",
            "${{ secrets.X }}",
            "%PASSWORD%",
            "op://vault/item/field",
            "ref+sops://a.yaml#/b",
            "ENC[AES256_GCM,data:x]",
            "insert-password-here",
            "change-me-in-production",
            "process.env.X",
            "os.environ['X']",
            "null",
            "~~~~",
            "#{Octopus}",
            "$env:TOKEN",
            "ENC(abc)",
            "(none)",
            "example-password",
            "*app-password*",
            "MyP@ssw0rd123!",
            "replacePassword1234$",
            "testPassword0",
            "MySuperSecureP4ssw0rd",
            "$AzCred.GetNetworkCredential().Password",
            "$env:WORKSPACE\\tmp\\creds1",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn real_values_are_not_placeholders() {
        for value in [
            "Summer2025!",
            "data_stg_4ooe97y",
            "S4ffr0nL4g00n27!",
            "Xy$k4fxh9a",
            "51b51fab09da44b5a0193df76a96d6f1",
            "Copper-Violet-Ember-602",
            "CN%1B-l7%*hNlTM9m",
            "$uper7Tief!x",
            "Password2019!",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn tokens_from_documentation() {
        assert!(is_fake_token(b"AKIAIOSFODNN7EXAMPLE"));
        assert!(is_fake_token(b"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        assert!(is_fake_token(b"npm_0000000000000000000000000000000000aa"));
        assert!(is_fake_token(b"s.1234abcdef"));
        assert!(!is_fake_token(b"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"));
    }
}
