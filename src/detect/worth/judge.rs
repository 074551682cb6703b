//! What a value assigned to a secret's name is worth: a password, a token, or nothing.

use super::passphrase::{is_passphrase, is_spaced_passphrase};
use super::randomness::Makeup;
use super::{encoding, identifier, measure, placeholder, randomness, shapes, validator, words};
use crate::detect::{Evidence, Objection, Reason};
use crate::rule::lexicon::{PASSWORD_ENDINGS, PASSWORDS, TECHNICAL, VALUE_NAMES};
use crate::rule::{Confidence, Judge, Validator};

/// The outcome for a value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) struct Verdict {
    pub(in crate::detect) confidence: Confidence,
    pub(in crate::detect) reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether the value is what somebody might have typed as a password, and no more.
    pub(in crate::detect) fn is_weak(&self) -> bool {
        self.reasons.contains(&Reason::Weak)
    }
}

/// Lengths between which a value can be a password or token, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 5..=8192;
/// Longer values are texts, certificates or programs, unless a generator made them.
const LONG: usize = 512;

/// Judges a value by the sort of name it is assigned to.
pub(in crate::detect) fn judge(value: &[u8], judge: Judge) -> Option<Verdict> {
    weigh(value, judge).ok()
}

/// The same, with the reason why it is none.
pub(in crate::detect) fn weigh(value: &[u8], judge: Judge) -> Result<Verdict, Objection> {
    if !LENGTHS.contains(&value.len()) {
        return Err(Objection::Length);
    }
    if value.len() > LONG && !(is_one_word(value) && randomness::is_random(value)) && !randomness::is_noise(value) {
        return Err(Objection::Length);
    }
    if randomness::is_noise(value) && !encoding::is_escaped(value) {
        return weigh_noise(value);
    }
    let time = || is_time_uuid(value).then_some(&TIME_UUID);
    if let Some(evidence) = placeholder::stands_in(value).or_else(time).or_else(|| shapes::shape_of(value)) {
        return Err(Objection::Is(evidence));
    }
    if let Some(plain) = encoding::percent(value) {
        if plain.iter().any(u8::is_ascii_control) || !plain.iter().any(u8::is_ascii_alphanumeric) {
            return Err(Objection::Is(&ESCAPES));
        }
        if !plain.iter().any(u8::is_ascii_whitespace) {
            return weigh(&plain, judge);
        }
    }
    if encoding::base64_text(value).is_some_and(|text| encodes_nothing(text.trim_ascii())) {
        return Err(Objection::Encodes);
    }
    match judge {
        Judge::Format => Ok(Verdict { confidence: Confidence::High, reasons: Vec::new() }),
        Judge::Password | Judge::Literal => password(value).map_err(Objection::Is),
        Judge::Token => match placeholder::fake(value).or_else(|| no_token(value)) {
            Some(evidence) => Err(Objection::Is(evidence)),
            None => token(value).ok_or(Objection::NotGenerated),
        },
    }
}

/// What is mixed like the output of a generator is a secret unless a shape of several characters
/// says what it is: one that chance hardly brings about.
fn weigh_noise(value: &[u8]) -> Result<Verdict, Objection> {
    let measure = || measure::is_measure(value).then_some(&MEASURE);
    if let Some(evidence) = placeholder::stands_in_though_generated(value).or_else(|| shapes::unmistakable(value)).or_else(measure) {
        return Err(Objection::Is(evidence));
    }
    Ok(Verdict { confidence: Confidence::High, reasons: vec![Reason::Random] })
}

static TIME_UUID: Evidence = Evidence::new("time-uuid", "a UUID of a time and a machine");
static ESCAPES: Evidence = Evidence::new("escapes", "made of escapes");
static MEASURE: Evidence = Evidence::new("measure", "a number with a unit");
static NAME: Evidence = Evidence::new("name-of-secret", "the name of a secret");
static FIELD: Evidence = Evidence::new("numbered-field", "a field and a number");
static IDENTIFIER: Evidence = Evidence::new("identifier", "an identifier");
static TICKET: Evidence = Evidence::new("ticket", "the number of a ticket");
static SELECTOR: Evidence = Evidence::new("selector", "a selector");
static WORDS: Evidence = Evidence::new("words", "several words");
static SYMBOLS: Evidence = Evidence::new("symbols", "nothing but symbols");
/// Somebody may have typed it as a password, and it may as well be the name of something.
pub(in crate::detect) static WORD: Evidence = Evidence::new("word", "a word that may be the name of something");

/// What a value is that no machine would take for its secret: words, a name or a measure.
fn no_token(value: &[u8]) -> Option<&'static Evidence> {
    match () {
        () if names_a_secret(value.strip_suffix(b"\\x00").unwrap_or(value)) => Some(&NAME),
        () if is_numbered_field(value) => Some(&FIELD),
        () if measure::is_measure(value) => Some(&MEASURE),
        () if identifier::is_identifier(value) => Some(&IDENTIFIER),
        () if value.iter().any(u8::is_ascii_whitespace) || holds_foreign_letters(value) => Some(&WORDS),
        () => None,
    }
}

/// `page-size=075`: a name and a few digits.
fn is_numbered_field(value: &[u8]) -> bool {
    let Some(equals) = memchr::memchr(b'=', value) else { return false };
    let (name, number) = (&value[..equals], &value[equals + 1..]);
    let part = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.iter().all(part) && (1..=6).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

/// As base64 and hexadecimal have it.
fn is_one_word(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'.'))
}

/// Whether text that was in base64 is no secret either: a placeholder, words, or what everybody may know.
fn encodes_nothing(text: &[u8]) -> bool {
    if text.starts_with(b"-----BEGIN CERTIFICATE") || text.starts_with(b"-----BEGIN PUBLIC") {
        return true;
    }
    // So few bytes can be text by chance.
    if text.len() < 8 && !text.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let worth = || password(text).is_ok_and(|verdict| verdict.confidence >= Confidence::Medium);
    placeholder::is_placeholder(text) || text.len() >= 4 && !text.starts_with(b"-----") && !text.starts_with(b"{") && !worth()
}

/// One step less sure.
pub(in crate::detect) fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// Whether letters stand in a text that are not those of English; `£` and `§` are none.
fn holds_foreign_letters(value: &[u8]) -> bool {
    std::str::from_utf8(value).map_or(true, |text| text.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()))
}

/// A value under a name that means a password for people.
fn password(value: &[u8]) -> Result<Verdict, &'static Evidence> {
    let makeup = Makeup::of(value);
    let verdict = |confidence, reason| Ok(Verdict { confidence, reasons: vec![reason] });
    if is_spaced_passphrase(value) {
        return verdict(Confidence::Medium, Reason::Words);
    }
    let other = match () {
        () if names_a_secret(value) => Some(&NAME),
        () if measure::is_measure(value) => Some(&MEASURE),
        () if value.iter().any(u8::is_ascii_whitespace) => Some(&WORDS),
        () if identifier::is_ticket(value) => Some(&TICKET),
        () if identifier::is_selector(value) => Some(&SELECTOR),
        () => None,
    };
    if let Some(other) = other {
        return Err(other);
    }
    if makeup.letters() + makeup.foreign == 0 {
        return if makeup.digits > 0 { verdict(Confidence::Low, Reason::Weak) } else { Err(&SYMBOLS) };
    }
    // Letters of other scripts among what a generator made.
    if makeup.foreign > 0 && randomness::is_noise(&value.iter().copied().filter(u8::is_ascii).collect::<Vec<u8>>()) {
        return verdict(Confidence::High, Reason::Random);
    }
    // A sentence in a script without spaces, or a word with letters that English lacks.
    if makeup.foreign > 0 && (makeup.digits == 0 || makeup.foreign * 3 > makeup.length) {
        return verdict(Confidence::Low, Reason::Weak);
    }
    // `WP_dbpassword`: somebody typed it.
    let last = value.rsplit(|byte| matches!(byte, b'-' | b'_')).next().unwrap_or_default();
    let named = last.ends_with(b"password") && makeup.digits == 0;
    if !named && randomness::is_random(value) {
        return verdict(Confidence::High, Reason::Random);
    }
    if makeup.digits > 0 {
        let sure = makeup.length >= 8 && !measure::is_word_and_number(value, 1..=6);
        return verdict(if sure { Confidence::High } else { Confidence::Medium }, Reason::Mixed);
    }
    if makeup.symbols > 0 && makeup.length >= 8 {
        return verdict(Confidence::Medium, Reason::Mixed);
    }
    let words = value.split(|byte| matches!(byte, b'-' | b'_' | b'.')).filter(|word| word.len() >= 3).count();
    if makeup.joins > 0 && words >= 3 && value.first().is_some_and(u8::is_ascii_uppercase) {
        return verdict(Confidence::Medium, Reason::Words);
    }
    if makeup.letters() >= 8 && makeup.joins == 0 && !randomness::reads_as_words(value) {
        return verdict(Confidence::Medium, Reason::Random);
    }
    // `ops_app_qjmvt`: a role and a generated part.
    let named = last.ends_with(b"pw") || PASSWORD_ENDINGS.ends(last);
    let generated = last.len() >= 5 && !named && !randomness::reads_as_words(last);
    if makeup.joins >= 2 && makeup.upper == 0 && generated {
        return verdict(Confidence::Medium, Reason::Random);
    }
    verdict(Confidence::Low, Reason::Weak)
}

/// A value under a name that means a machine's secret: only what a generator makes counts.
fn token(value: &[u8]) -> Option<Verdict> {
    let makeup = Makeup::of(value);
    let generated = randomness::is_random(value) || is_uuid(value) || ends_with_uuid(value);
    let confidence = match (generated, makeup.length) {
        (true, 24..) => Confidence::High,
        (true, _) => Confidence::Medium,
        (false, 20..) if is_passphrase(value) => return Some(Verdict { confidence: Confidence::Medium, reasons: vec![Reason::Words] }),
        (false, 8..) if makeup.digits > 0 && makeup.classes() >= 3 => Confidence::Medium,
        // Of few distinct characters, as some generators of long numbers make them.
        (false, 32..) if makeup.digits >= 8 && makeup.switches >= 12 && is_one_word(value) => Confidence::Medium,
        // `gwlf38dkv71glfkd5glfkdnu`: somebody's fingers on a keyboard.
        (false, 20..) if makeup.digits >= 3 && makeup.joins == 0 && is_one_word(value) && !randomness::reads_as_words(value) => {
            Confidence::Medium
        }
        // A long number that somebody's generator made.
        (false, 40..) if makeup.digits == makeup.length && validator::entropy(value) > 3.0 => Confidence::Medium,
        (false, 10..) if makeup.digits > 0 => Confidence::Low,
        _ => return None,
    };
    let reason = if generated { Reason::Random } else { Reason::Mixed };
    Some(Verdict { confidence, reasons: vec![reason] })
}

/// `access-test-1a2b3c4d-…`: words, and a UUID.
fn ends_with_uuid(value: &[u8]) -> bool {
    const LENGTH: usize = 36;
    value.len().checked_sub(LENGTH).is_some_and(|at| at > 1 && matches!(value[at - 1], b'-' | b'_' | b'.' | b':') && is_uuid(&value[at..]))
}

/// A UUID that somebody generated: `aaaaaaaa-bbbb-…` is none.
pub(in crate::detect) fn is_uuid(value: &[u8]) -> bool {
    let distinct = (b'0'..=b'9').chain(b'a'..=b'f').filter(|digit| value.iter().any(|byte| byte.to_ascii_lowercase() == *digit)).count();
    distinct > 8 && validator::passes(Validator::Uuid, value)
}

/// A UUID made of a time and a machine's address: not by chance.
pub(super) fn is_time_uuid(value: &[u8]) -> bool {
    value.get(14) == Some(&b'1') && validator::passes(Validator::Uuid, value)
}

/// Whether the value is the name of a secret, a key or a field: words that are joined, one of
/// which says so.
fn names_a_secret(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let words = without_split_terms(words::words(text));
    let names = |word: &&String| VALUE_NAMES.has(word) || word.len() > 5 && PASSWORDS.has(word);
    // By chance `Pwd` stands in what a generator made.
    let generated = value.iter().any(u8::is_ascii_digit) && value.iter().all(u8::is_ascii_alphanumeric) && randomness::is_random(value);
    let named = words.iter().filter(names).any(|word| word.len() > 3 || !generated);
    let technical = |word: &String| {
        TECHNICAL.has(word)
            || is_rfc(word)
            || word.bytes().all(|byte| byte.is_ascii_lowercase())
            || word.bytes().all(|byte| byte.is_ascii_digit())
    };
    let plain = words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let joined = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':' | b'@'));
    // `Stud41Password@123`
    let typed = value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_uppercase)
        && !value.contains(&b'/')
        && value.iter().skip(1).any(|byte| matches!(byte, b'@' | b'!' | b'#' | b'$'));
    // `userAdmin123456`
    let digits = value.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let counted = (digits >= 5 || digits >= 3 && b"123456".starts_with(&value[value.len() - digits..]))
        && value.iter().all(u8::is_ascii_alphanumeric);
    if typed || counted {
        return false;
    }
    let is_technical = words.iter().any(|word| TECHNICAL.has(word) || is_rfc(word)) && words.iter().all(technical);
    let joined = joined || text.ends_with(';');
    joined
        && plain
        && (is_technical && !is_irregular(text)
            || TECHNICAL.has(text.to_lowercase().trim_end_matches(';'))
            || named && words.len() > 1 && words.iter().all(|word| word.len() < 16 && !mixes(word)) && !is_irregular(text))
}

/// `unit-File-Leak8`: joined words of which some start with a capital and others do not, as names do not.
fn is_irregular(text: &str) -> bool {
    let mut titled = false;
    let mut lower = false;
    for part in text.split(['-', '_', '.']) {
        match part.as_bytes() {
            [b'A'..=b'Z', b'a'..=b'z', ..] => titled = true,
            [b'a'..=b'z', ..] => lower = true,
            _ => {}
        }
    }
    titled && lower && text.ends_with(|last: char| last.is_ascii_digit() || last.is_ascii_punctuation())
}

/// With technical terms that capitals split put together again: `o`, `auth2` of `OAuth2`.
fn without_split_terms(words: Vec<String>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        match whole.last_mut() {
            Some(last) if TECHNICAL.has(&format!("{last}{word}")) => last.push_str(&word),
            _ => whole.push(word),
        }
    }
    whole
}

fn is_rfc(word: &str) -> bool {
    word.strip_prefix("rfc").is_some_and(|number| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Letters and digits in turn, as in generated values.
fn mixes(word: &str) -> bool {
    let makeup = Makeup::of(word.as_bytes());
    makeup.switches >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: &str, by: Judge) -> Option<Confidence> {
        judge(value.as_bytes(), by).map(|verdict| verdict.confidence)
    }

    #[test]
    fn passwords_that_people_and_machines_make() {
        for value in [
            "Summer2025",
            "NpOAWC9q5OfT-sbOsx",
            "Orchid.Meadow.Tundra.898",
            "cptm8_stg_chtopms1",
            "S4ffr0nL4g00n27!",
            "Madrid2022#",
            "core_app_1358g",
            "IV+QNk7v*nsk7Jj1m2gwpV0",
            "53a53dd63214d4f3254b9f0b4f9af992",
            "Dn+%UgaQR0n21",
            "data_dev_qjma2",
            "ops_app_egahg",
            "w_m96qigixn4d5QjW.tf",
            "SCxhQ098",
            "MUMYLLQLOEIIZOYAKBXU",
            "unit-File-Lark8",
            "321zyx",
            "velvet hammock 9 rivers",
            "copper lantern drifting sparrow",
            "task-Mysql-77",
            "Kx.wq8(3),rT",
        ] {
            assert!(verdict(value, Judge::Password) >= Some(Confidence::Medium), "{value}");
        }
    }

    #[test]
    fn names_paths_and_words_are_no_passwords() {
        for value in [
            "postgres-password",
            "shop_app_mysql",
            "shop_prod_database",
            "team_shared_vault",
            "sha256:5e7e0fd554f3030d5ff2f2e9b8c95c0298da6fa24258afd628be5d8a7e148fd4",
            "db-password",
            "cptm8-db-credentials",
            "/run/secrets/db_password",
            "./secrets/db.txt",
            "https://auth.example.net/x",
            "strong",
            "process.env.PASSWORD",
            "getPassword()",
            "scram-sha-256",
            "os.environ[\"X\"]",
            "12h",
            "sha256",
            "values.yaml",
            "password_hash",
            "rails_config[",
            "PostgreSQLがMD5認証で受け入れるパスワード",
            "{Disabled",
            "{0.token",
            "maxlength=",
            "$encrypted$",
            "{MD5}wb68DeX0CyENafzUADNn9A==",
            "secret_name1=secret_uri1",
            "utf8mb4;",
            ":password@host",
            "config.db.password",
            "X-Auth-Token",
            "tool.cmd.genpwd:main",
            "version=1.0",
            "/workdir",
            "IFNULL(@dbPassword",
            "formControlName=",
            ",IncludeAcls=",
            "length=32",
            "]}/versions/latest",
            "/login?mechanism=oauth2:dev",
            "SMTP-Passwort",
            "sshd__ldap_bind_basepw",
            "$kms_keys:billing-0/ew1/store",
            "SomeRandomStringOf32CharsExactly",
            "250mib",
            "required|string|min:16|secure_password",
            "Shop.seller_authentication_strategies",
            "Shop.tmp_path)",
            "TokenUtil.createToken(10001,",
            "localhost:3306/test",
            "settings[*].auth[*].passwordSecretRef",
            "c,a,q[{prod-url}]",
            "enter the current account password",
            "minimum eight letters and digits",
            "*7E9900477FBF86CC781BE9FB8B8AD2287B06DFA6",
            "md55ca6a69269a0aa45e8f9e5f99c1a1781",
            "TICKETS-1870",
            "#normal_login_password",
            "routes/main",
            "valor1",
            "\u{f}f3R&3k",
            "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
            "updates.item.{0}.{1}",
            "*.batch.index_api",
            "2019-03-20T17:54:53Z",
            "citations.py:103-229",
            "packages/app.ts:12,40-44",
            ",openldap.configPassword=",
            "/tmp/repositories/6ba7b812-9dad-41d1-80b4-00c04fd430c8",
        ] {
            assert!(verdict(value, Judge::Password) < Some(Confidence::Medium), "{value}");
        }
    }

    #[test]
    fn tokens_must_look_generated() {
        for value in [
            "/hGzXGPoAsotG2YpfdTs1H/DqBwi+QRXesXmV9AT",
            "26caee7acd46eb4955558ffaafa05e9f",
            "uPIxJnBp9C6MyP8WejYVkH5aY9nU2sScQCTaSJVCya",
            "yI7CqhxNl5Mk6WG",
            "452502bc8a7440ffa4d16c185b8506f29e753b03",
        ] {
            assert!(verdict(value, Judge::Token) >= Some(Confidence::Medium), "{value}");
        }
        for value in [
            "Access token",
            "X-API-Key",
            "authorization_code",
            "NextToken",
            "user_access_token",
            "true",
            "accessTokenLifetime",
            "kubernetes.io/service-account-token",
            "shop2/staging/db",
            "thirdPartyJwt",
            "setHostnameAsFQDN",
            "repo_copr_erlang26_jul_2026",
            "Voorzieningsgeheim",
            "*core.NewStructured(params.authSecretKey),",
            "ECC_SECG_P256K1",
            "advapi32.AllocateAndInitializeSid",
            "openssh-key-v1\\x00",
            "RecentItemsV3",
            "updates.item2.{0}.{1}",
            "*.batch.index_api_v3",
            "page-size=075",
            "shop-project-45e35d85a593.json",
        ] {
            assert!(verdict(value, Judge::Token) < Some(Confidence::Medium), "{value}");
        }
    }
}
