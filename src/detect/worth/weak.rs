//! Weak passwords: literals that somebody typed as a password, though they are a default, a
//! dictionary word or a few digits. What says of itself that it stands in for a password is none.

use super::{encoding, judge, measure, placeholder, shapes, words};
use crate::rule::lexicon::{
    ACCOUNTS, ASKING_WORDS, BEFORE_PASSWORD, BOASTS, KEY_QUALIFIERS, PASSWORDS, SAMPLE_PASSWORDS, SERVICE_WORDS, TECHNICAL, TOKENS,
    VALUE_NAMES, WEAK_PASSWORDS,
};
use crate::rule::{Confidence, Judge};

/// Lengths between which a weak password lies, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=48;

/// Whether a text can be a literal that is used as a password: one word that is neither a stand-in
/// nor the name of something, nor of a shape of its own.
pub(in crate::detect) fn is_literal(value: &[u8]) -> bool {
    let typed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!@#$%^&*+=?~/".contains(byte);
    LENGTHS.contains(&value.len())
        && value.iter().all(typed)
        && value.iter().any(u8::is_ascii_alphanumeric)
        && !value.ends_with(b".")
        && !value.starts_with(b"--")
        && !placeholder::is_self_declared(value)
        && !judge::is_time_uuid(value)
        && (is_known(value) || shapes::shape_of(value).is_none() && !measure::is_measure(value) && !names_something(value))
}

/// What is weak where a notation says that a password stands there as it is, whatever it looks like.
pub(in crate::detect) fn is_told(value: &[u8]) -> bool {
    LENGTHS.contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_graphic() && !b"${}<>".contains(byte))
        && judge::judge(value, Judge::Password).is_none_or(|verdict| verdict.is_weak() || verdict.confidence < Confidence::High)
}

/// `password`, `changeit`, `shop_secret`: words that ask for nothing, whatever they are the words for.
pub(in crate::detect) fn is_any_word(value: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    LENGTHS.contains(&value.len())
        && value.iter().all(part)
        && value.iter().any(u8::is_ascii_lowercase)
        && !placeholder::asks(value)
        && !placeholder::is_repetitive(value)
}

/// `mysql_password`, `CACHE_PASSWORD: cache-credentials`: the word for it behind words of services, or of the name, alone;
/// `boatclub-password` has a word that somebody chose.
pub(in crate::detect) fn tells_what_belongs(name: &[u8], value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    let of_name = words::words(&String::from_utf8_lossy(name));
    let mut words = text.rsplit(['-', '_']);
    let last = words.next().unwrap_or_default();
    let service = |word: &str| [&SERVICE_WORDS, &ACCOUNTS, &BEFORE_PASSWORD, &VALUE_NAMES, &TECHNICAL].iter().any(|list| list.has(word));
    let service = |word: &str| service(word) || of_name.iter().any(|own| own == word);
    (PASSWORDS.has(last) || VALUE_NAMES.has(last)) && words.all(service)
}

/// `boat_club_password`: joined words, of which at least one was chosen.
pub(in crate::detect) fn is_joined_choice(value: &[u8]) -> bool {
    is_joined_words(value) && !tells_what_belongs(b"", value)
}

/// `wp`: two letters that say nothing.
pub(in crate::detect) fn is_two_letters(value: &[u8]) -> bool {
    value.len() == 2 && value.iter().all(u8::is_ascii_lowercase) && !placeholder::is_self_declared(value)
}

/// `Password`, as a form calls the field.
pub(in crate::detect) fn is_label_of_field(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    is_titled(value) && (PASSWORDS.has(&lower) || TOKENS.has(&lower))
}

/// `Reykjavik`: a word that somebody chose, and not what the field is called.
pub(in crate::detect) fn is_titled_word(value: &[u8]) -> bool {
    (6..=24).contains(&value.len()) && is_titled(value) && !is_label_of_field(value) && !placeholder::is_self_declared(value)
}

fn is_titled(value: &[u8]) -> bool {
    matches!(value, [b'A'..=b'Z', rest @ ..] if rest.iter().all(u8::is_ascii_lowercase))
}

/// A literal that is not just the word for a password, which examples of command lines have in its place.
pub(in crate::detect) fn is_chosen(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    !PASSWORDS.has(&lower) && !TECHNICAL.has(&lower) && is_literal(value)
}

/// `admin`, `p@ssw0rd`, `123456`: among the passwords that everybody tries first.
pub fn is_known(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    WEAK_PASSWORDS.has(&lower)
        || WEAK_PASSWORDS.has(lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!')) && value.len() >= 5
        || (3..=10).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
}

/// What a person puts where a machine's secret belongs: a well-known password, or a word and a number, as in `hello456`.
pub(in crate::detect) fn is_typed_secret(value: &[u8]) -> bool {
    let worded = value.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    let text = String::from_utf8_lossy(value).to_lowercase();
    // `12345678`
    let counted = (5..=10).contains(&value.len()) && b"1234567890".starts_with(value);
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let known = counted || worded && letters && is_known(value) && !VALUE_NAMES.has(&text) && !PASSWORDS.has(&text) && text != "foobar";
    known || measure::is_word_and_number(value, if value.len() >= 20 { 2..=8 } else { 2..=6 })
}

/// `winteriscoming`, `mall-admin-secret`, `hushhush88`: what somebody types where a program signs with it. Words that all
/// say what belongs there, as in `client_secret`, and names that a program has for something are none.
pub(in crate::detect) fn is_typed_key(value: &[u8], name: &[String], in_settings: bool) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 6..=64;
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let typed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!@#$%^&*+?~".contains(byte);
    let words = words::words(text);
    let lists = [&VALUE_NAMES, &PASSWORDS, &TOKENS, &TECHNICAL, &KEY_QUALIFIERS];
    let says = |word: &String| name.contains(word) || lists.iter().any(|list| list.has(word));
    let joined = value.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let plain = value.iter().all(u8::is_ascii_alphabetic);
    LENGTHS.contains(&value.len())
        && value.iter().all(typed)
        && value.iter().any(u8::is_ascii_lowercase)
        && (in_settings || !plain || words.len() == 1 && value.len() >= 9 && value[0].is_ascii_lowercase())
        && (joined || words.len() < 3 || !value.contains(&b'.'))
        && !words.iter().all(says)
        // `cafe-jwk`: which key.
        && !words.last().is_some_and(|word| matches!(word.as_str(), "jwk" | "key" | "keys" | "ref" | "name" | "id" | "file"))
        && !words.iter().any(|word| ASKING_WORDS.has(word))
        // `sk_xxx`
        && !words.iter().any(|word| word.len() > 2 && word.bytes().all(|byte| byte == b'x'))
        && placeholder::fake(value).is_none()
        && !placeholder::is_self_declared(value)
        && !judge::is_time_uuid(value)
        && shapes::shape_of(value).is_none()
        && !measure::is_measure(value)
}

/// `loginsecret`: one word of a few letters before the word for a secret.
pub(in crate::detect) fn is_word_and_secret(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    let before = text.strip_suffix("secret").unwrap_or_default();
    (2..=20).contains(&before.len())
        && before.bytes().all(|byte| byte.is_ascii_lowercase())
        && before != "client"
        && !placeholder::is_self_declared(value)
        && !placeholder::asks(value)
}

/// `keyboard cat`, `hard to guess string`: a few words in lower case that ask for nothing.
pub(in crate::detect) fn is_typed_phrase(value: &[u8]) -> bool {
    let words = value.split(|byte| *byte == b' ').map(|word| word.iter().all(u8::is_ascii_lowercase) && !word.is_empty());
    let words: Vec<bool> = words.collect();
    (2..=8).contains(&words.len()) && words.iter().all(|&word| word) && !placeholder::is_self_declared(value)
}

/// `operator-webhook-secret`: what a secret of a cluster may be called. Words that say how good it is are of no name.
pub(in crate::detect) fn may_name_object(value: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let text = String::from_utf8_lossy(value);
    let mut words = text.split('-');
    let last = words.next_back().unwrap_or_default();
    value.contains(&b'-')
        && value.iter().all(part)
        && (VALUE_NAMES.has(last) || PASSWORDS.has(last))
        && !words.any(|word| word != "my" && word != "a" && BOASTS.has(word) || word == "unsecure")
}

/// `secret_for_refresh`, `dev-password`: words in lower case, joined, that say nothing of being a stand-in.
pub(in crate::detect) fn is_joined_words(value: &[u8]) -> bool {
    let joint = |byte: &u8| matches!(byte, b'-' | b'_');
    (5..=40).contains(&value.len())
        && value.iter().any(joint)
        && value.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || joint(byte))
        && !placeholder::is_self_declared(value)
}

/// `superUser`, `brokerPassword`: words of letters, of which all but the first begin with a capital.
pub(in crate::detect) fn is_camel_words(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    (5..=40).contains(&value.len())
        && value[0].is_ascii_lowercase()
        && value.iter().all(u8::is_ascii_alphabetic)
        && words::words(&text).len() > 1
        && !placeholder::is_self_declared(value)
}

/// `root_password`, `password`: words of letters, joined or not, that do not ask for another in their place.
pub(in crate::detect) fn is_of_words(value: &[u8]) -> bool {
    let part = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_');
    let own = [&b"my"[..], b"your", b"some", b"the"].iter().any(|word| value.starts_with(word));
    (6..=40).contains(&value.len()) && value.iter().all(part) && !own && !placeholder::asks(value)
}

/// `keystore_password`: joined words that end with the word for a password.
pub(in crate::detect) fn is_word_for_password(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_lowercase();
    PASSWORDS.has(text.rsplit(['-', '_']).next().unwrap_or_default())
}

/// `example`, `myPassword`: what stands for nothing in documents, and is a password all the same where a program reads it.
pub(in crate::detect) fn is_sample(value: &[u8]) -> bool {
    // `example_password`; `my-password` and `some-password` ask for one, unless they are what a program reads.
    let joined = unjoined(value);
    let asks = || [&b"my"[..], b"some", b"our"].iter().any(|word| joined.starts_with(word));
    SAMPLE_PASSWORDS.has(&String::from_utf8_lossy(value).to_lowercase()) || boasts(value) || boasts(&joined) && !asks()
}

/// `SuperEtherpadKey`, `SuperShopPassword`: words that say how good it is and what for, as settings come with.
pub(in crate::detect) fn is_super(value: &[u8]) -> bool {
    let rest = value.strip_prefix(b"Super").unwrap_or_default();
    (4..=40).contains(&rest.len())
        && rest[0].is_ascii_uppercase()
        && rest.iter().all(u8::is_ascii_alphabetic)
        && words::words(&String::from_utf8_lossy(rest)).len() > 1
}

/// `my-password`, `some_password`, where a program reads it.
pub(in crate::detect) fn is_sample_of_settings(value: &[u8]) -> bool {
    boasts(&unjoined(value))
}

fn unjoined(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|byte| !matches!(byte, b'-' | b'_')).collect()
}

/// Base64 of words, which nobody decodes where a program takes it as it stands. It asks nobody to put another in its place.
pub(in crate::detect) fn is_encoded_text(value: &[u8]) -> bool {
    const SHORTEST: usize = 16;
    let ends = value.len() >= 8 && value.ends_with(b"=");
    let text = (value.len() >= SHORTEST || ends).then(|| encoding::base64_text(value)).flatten();
    text.is_some_and(|text| {
        let text = text.trim_ascii();
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_. ".contains(byte);
        text.iter().all(word) && !placeholder::asks(text)
    })
}

/// `mySuperSecretPassword`, `examplepassword`: a word for a password, and before it only how good or whose it is.
pub(in crate::detect) fn boasts(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_lowercase();
    let stem = PASSWORDS.iter().filter_map(|word| text.strip_suffix(word)).min_by_key(|stem| stem.len());
    let Some(mut before) = stem.filter(|stem| !stem.is_empty()) else { return false };
    while let Some(rest) = BOASTS.iter().filter_map(|word| before.strip_suffix(word)).min_by_key(|rest| rest.len()) {
        before = rest;
    }
    before.is_empty()
}

/// `S0meLongPassword`: a digit among the letters of a word, as names do not have them.
fn is_disguised(word: &str) -> bool {
    let mut kinds = word.bytes().map(|byte| byte.is_ascii_digit());
    !kinds.next().unwrap_or(true) && kinds.skip_while(|digit| !digit).any(|digit| !digit)
}

/// `db-credentials`, `userPassword`, `rails_config`: joined words, one of which says what is kept there.
fn names_something(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return true };
    let words = words::words(text);
    let named = words.iter().filter(|word| VALUE_NAMES.has(word)).count();
    let dotted = text.contains('.') && text.split('.').all(|part| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    // `neo4j.auth.password`
    let property = text.split('.').count() > 2 && text.rsplit('.').next().is_some_and(|last| PASSWORDS.has(last) || VALUE_NAMES.has(last));
    let dotted = dotted || property;
    let capitals = value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    // `ConvertTo-SecureString`
    let cmdlet = text.split_once('-').is_some_and(|(verb, noun)| {
        [verb, noun]
            .iter()
            .all(|part| part.starts_with(|c: char| c.is_ascii_uppercase()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()))
            && words::words(noun).len() > 1
    });
    // `#password`: an element of a page.
    let element = matches!(value, [b'#' | b'.', ..]) && words.len() == named;
    let named = element || named > 0 && words.len() > 1 && !words.iter().any(|word| is_disguised(word));
    named || dotted || is_titled(value) || capitals || cmdlet || text.contains('/') || text.ends_with('=')
}
