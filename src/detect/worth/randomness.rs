//! How much a value looks like chance rather than like words.

use super::validator;

/// What sorts of characters a value is made of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Makeup {
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) digits: usize,
    /// Other than letters, digits and `-_.`, which join words.
    pub(super) symbols: usize,
    pub(super) joins: usize,
    /// Bytes outside ASCII.
    pub(super) foreign: usize,
    /// Changes between lower case, upper case, digits and the rest.
    pub(super) switches: usize,
    pub(super) length: usize,
}

impl Makeup {
    pub(super) fn of(value: &[u8]) -> Self {
        let mut makeup = Self { length: value.len(), ..Self::default() };
        let mut last = None;
        for &byte in value {
            let class = match byte {
                b'a'..=b'z' => &mut makeup.lower,
                b'A'..=b'Z' => &mut makeup.upper,
                b'0'..=b'9' => &mut makeup.digits,
                b'-' | b'_' | b'.' => &mut makeup.joins,
                0x80.. => &mut makeup.foreign,
                _ => &mut makeup.symbols,
            };
            *class += 1;
            let sort = match byte {
                b'a'..=b'z' => 0,
                b'A'..=b'Z' => 1,
                b'0'..=b'9' => 2,
                _ => 3,
            };
            makeup.switches += usize::from(last.is_some_and(|last| last != sort));
            last = Some(sort);
        }
        makeup
    }

    pub(super) fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// How many of lower case, upper case, digits and symbols occur.
    pub(super) fn classes(&self) -> usize {
        [self.lower, self.upper, self.digits, self.symbols].iter().filter(|&&count| count > 0).count()
    }
}

/// Hexadecimal digits of one case, with both digits and letters, at least `least` of them.
pub(super) fn is_hex(value: &[u8], least: usize) -> bool {
    let lower = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let upper = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    value.len() >= least && (lower || upper) && value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// About as many characters as generators choose from.
const ALPHABET: usize = 64;

/// Whether a value is long, random and of all sorts of letters: no word, no digest, no name of anything.
pub(in crate::detect) fn is_unlike_others(value: &[u8]) -> bool {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    value.len() >= 24
        && value.iter().all(u8::is_ascii_alphanumeric)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
        && is_random(value)
}

/// Whether a value of at least 12 characters looks like the output of a generator.
pub(in crate::detect) fn is_random(value: &[u8]) -> bool {
    if value.len() < 12 {
        return false;
    }
    if is_hex(value, 16) {
        return validator::entropy(value) > 2.6;
    }
    let makeup = Makeup::of(value);
    let entropy = validator::entropy(value);
    // More characters do not make an alphabet larger.
    let spread = entropy / (makeup.length.min(ALPHABET) as f64).log2();
    if spread < 0.72 {
        return false;
    }
    let rate = makeup.switches as f64 / (makeup.length - 1) as f64;
    match (makeup.digits > 0, makeup.lower > 0 && makeup.upper > 0) {
        (true, true) => rate > 0.28,
        (true, false) => {
            makeup.digits * 10 > makeup.length && (rate > 0.25 || rate > 0.15 && makeup.length >= 20 && !reads_as_words(value))
        }
        (false, mixed) => (mixed || makeup.length >= 16) && makeup.letters() * 10 >= makeup.length * 8 && !reads_as_words(value),
    }
}

/// Whether a value with symbols is what a generator of passwords makes, whatever the symbols look
/// like: several of them, letters and digits in quick change, and hardly a word.
///
/// `af,mYAsX8||sj#?O` is; `a.b(c)||d.e(f)`, `{{ .Values.x }}` and `<4 digits>` are not.
pub(super) fn is_noise(value: &[u8]) -> bool {
    const SHORTEST: usize = 10;
    if value.len() < SHORTEST || !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return false;
    }
    let makeup = Makeup::of(value);
    let marks = makeup.symbols + makeup.joins;
    let kinds = distinct(value.iter().copied().filter(u8::is_ascii_punctuation));
    let blanks = value.iter().filter(|&&byte| byte == b' ').count();
    let (cased, digits) = (makeup.lower > 0 && makeup.upper > 0, makeup.digits > 0);
    // Lower case alone needs digits; without digits there are both cases.
    let varied = cased && (digits || kinds >= 3) || digits && makeup.letters() > 0 && kinds >= 2;
    let spread = distinct(value.iter().copied()) * 10 >= value.len().min(40) * 6;
    let changes = makeup.switches * 100 >= (value.len() - 1) * if value.len() < 40 { 38 } else { 33 };
    // Blanks belong to an alphabet that has all other symbols too.
    let open = (marks - blanks) * 3 <= value.len() * 2 && (blanks == 0 || kinds >= 8 && blanks * 12 <= value.len());
    kinds >= 2 && varied && spread && changes && open && in_words(value) * 100 <= value.len() * 36
}

/// How many different bytes there are.
fn distinct(bytes: impl Iterator<Item = u8>) -> usize {
    let mut seen = [false; 256];
    bytes.for_each(|byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|&&used| used).count()
}

/// How many letters belong to runs that read as words.
fn in_words(value: &[u8]) -> usize {
    const SHORTEST: usize = 4;
    let words = value.split(|byte| !byte.is_ascii_alphabetic());
    words.filter(|word| word.len() >= SHORTEST && reads_as_words(word)).map(<[u8]>::len).sum()
}

/// Whether letters form words: pairs of letters that languages use, vowels where they are
/// expected, capitals at word starts only.
pub(super) fn reads_as_words(value: &[u8]) -> bool {
    let mut pairs = 0_usize;
    let mut rare = 0_usize;
    let mut longest_cluster = 0;
    let mut cluster = 0;
    let mut odd_capitals = 0;
    for (at, &byte) in value.iter().enumerate() {
        let vowel = matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
        cluster = if byte.is_ascii_alphabetic() && !vowel { cluster + 1 } else { 0 };
        longest_cluster = longest_cluster.max(cluster);
        let Some(&next) = value.get(at + 1) else { continue };
        if !byte.is_ascii_alphabetic() || !next.is_ascii_alphabetic() {
            continue;
        }
        pairs += 1;
        rare += usize::from(is_rare_pair(byte.to_ascii_lowercase(), next.to_ascii_lowercase()));
        // `aB` starts a word; `ABc` and `AbC` right after one another do not.
        let starts_word = byte.is_ascii_lowercase() && next.is_ascii_uppercase();
        let next_is_short = starts_word && value.get(at + 2).is_some_and(|third| !third.is_ascii_lowercase());
        odd_capitals += usize::from(next_is_short);
    }
    // In capitals alone only the pairs tell, so they tell more.
    let common = || value.windows(2).filter(|pair| is_common_pair(pair[0].to_ascii_lowercase(), pair[1].to_ascii_lowercase())).count();
    let chance = || pairs >= 13 && value.iter().all(u8::is_ascii_uppercase) && common() * 20 < pairs * 13;
    pairs > 0 && rare * 6 <= pairs && longest_cluster <= 5 && odd_capitals * 6 <= pairs && !chance()
}

/// Pairs of letters that make up most of any English text.
fn is_common_pair(first: u8, second: u8) -> bool {
    const COMMON: [&[u8]; 26] = [
        b"bcdgilmnprstuvy",
        b"aeiloru",
        b"aehiklotu",
        b"aeiosu",
        b"acdelmnrstvxy",
        b"aefioru",
        b"aehioru",
        b"aeiot",
        b"acdefglmnorstvz",
        b"ou",
        b"eis",
        b"adeiloty",
        b"abeiopu",
        b"acdegiostu",
        b"bcdfilmnoprstuvw",
        b"aehilorstu",
        b"u",
        b"acdeikmnorsty",
        b"acehiopstuw",
        b"aehiorstuwy",
        b"bceglmnprst",
        b"aei",
        b"aehio",
        b"cpt",
        b"eos",
        b"ae",
    ];
    COMMON[usize::from(first - b'a')].contains(&second)
}

/// Pairs of letters that hardly occur inside words of European languages.
fn is_rare_pair(first: u8, second: u8) -> bool {
    const RARE: [&[u8]; 26] = [
        b"aq",
        b"cdfghjkmnpqtvwxz",
        b"bdfgjmnpqvwxz",
        b"bcfhjkpqtxz",
        b"hjk",
        b"bcdghjkmnpqvwxz",
        b"bcdfjkpqvwxz",
        b"bcdfgjkpqvxz",
        b"hijquwy",
        b"bcdfghjklmnpqrstvwxyz",
        b"bcdfgjkmpqtvwxz",
        b"bhjqrwxz",
        b"cdfghjkqrtvwxz",
        b"bjqrwxz",
        b"hjqz",
        b"bcdfgjkmnqvwxz",
        b"abcdefghijklmnopqrstvwxyz",
        b"hjqxz",
        b"bdfgjrvxz",
        b"bdfgjknpqvxz",
        b"hjkquvwxy",
        b"bcdfghjklmnpqrstvwxz",
        b"bcdfgjkmpqtuvwxyz",
        b"bdfgjklmnqrsuvwz",
        b"hjkqyvuxz",
        b"bcdfghjkmnpqrstvwx",
    ];
    RARE[usize::from(first - b'a')].contains(&second)
}

/// Nothing says that this is a password but its looks.
pub(in crate::detect) fn is_generated(value: &[u8]) -> bool {
    let mixed = value.iter().any(u8::is_ascii_digit) && value.iter().any(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit());
    value.len() >= 8 && mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_are_random() {
        for value in [
            "CBrurRcbacUPru7RI7V5No+35kr0Q3hb8JcQIQIY",
            "yI7CqhxNl5Mk6WG",
            "51b51fab09da44b5a0193df76a96d6f1",
            "MUMYLLQLOEIIZOYAKBXU",
            "HLEEGAVOMOMSYJFS",
            "MDOUIMORSKAERPRK",
            "Xyk4fxh9aUUsvn2tIqEqXb4jZEmKt7kW",
            "E2kSn8Dhyk1ERNVHX0a3hBlbf0F8UFPUtP3SwvaMUJ8=",
            "visqetHqtHwf11poyNUzbfIQueaz",
            "yi94pwci6ibjfc9phbikhqutbe",
        ] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_with_symbols_are_noise_and_code_is_not() {
        for value in [
            "af,mYAsX8||sj#?O",
            "&2#uV7@yQVMvm}Vr",
            "<4e.>0qG&S=$D$8R",
            "q(m)7zLGnz$(_w3N4z1k(RFsKCjjjzx08x9VhNVcfd%6RF#r!6DE@+V5Zk2Y",
            "{{x9!kQ#2v}}Tz-8",
        ] {
            assert!(is_noise(value.as_bytes()), "{value}");
        }
        for value in [
            "{{ .Values.db.password }}",
            "${DB_PASSWORD:-changeme1}",
            "config.get(\"db2\")||fallback",
            "<your-password-2>",
            "$(cat /run/secrets/db2)",
            "%{hostname}-%{port}:8080",
            "required|string|min:16",
            "Summer-rain7-in-Rome!",
            "e.password||e.passwd2",
        ] {
            assert!(!is_noise(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn words_and_identifiers_are_not() {
        for value in [
            "getPasswordFromEnvironment",
            "postgres-password",
            "kubernetes.io/service-account",
            "my_application_token",
            "AccessTokenProvider",
            "com.example.security.Token",
            "TransportLayerSecurity",
            "internationalization",
            "STRIPE_WEBHOOK_HANDLER",
            "AUTHENTICATIONSERVER",
            "PRODUCTIONDATABASE",
            "NUMERICIDENTIFIERLOOSE",
            "ONREADYSTATECHANGE",
            "BINLOGPOSITION",
        ] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }
}
