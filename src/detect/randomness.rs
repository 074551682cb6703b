//! How much a value looks like chance rather than like words.

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

/// Whether a value of at least 12 characters looks like the output of a generator.
pub(super) fn is_random(value: &[u8]) -> bool {
    if value.len() < 12 {
        return false;
    }
    if is_hex(value, 16) {
        return super::validator::entropy(value) > 2.6;
    }
    let makeup = Makeup::of(value);
    let entropy = super::validator::entropy(value);
    let spread = entropy / (makeup.length as f64).log2();
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
    pairs > 0 && rare * 6 <= pairs && longest_cluster <= 5 && odd_capitals * 6 <= pairs
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
            "Xyk4fxh9aUUsvn2tIqEqXb4jZEmKt7kW",
            "E2kSn8Dhyk1ERNVHX0a3hBlbf0F8UFPUtP3SwvaMUJ8=",
            "visqetHqtHwf11poyNUzbfIQueaz",
            "yi94pwci6ibjfc9phbikhqutbe",
        ] {
            assert!(is_random(value.as_bytes()), "{value}");
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
        ] {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }
}
