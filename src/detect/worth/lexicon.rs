//! The word lists of `patterns/lexicon/`, each read when it is first needed.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

type Words = HashSet<&'static str, FixedState>;

/// A list of words or texts, separated by commas or line ends; `#` starts a comment line.
pub(in crate::detect) struct Lexicon(LazyLock<Words>);

impl Lexicon {
    /// Whether a word is in the list.
    pub(in crate::detect) fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// All entries, in no order.
    pub(in crate::detect) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

macro_rules! lexicon {
    ($name:ident, $file:literal) => {
        #[doc = concat!("`patterns/lexicon/", $file, ".txt`.")]
        pub(in crate::detect) static $name: Lexicon =
            Lexicon(LazyLock::new(|| entries(include_str!(concat!("../../../patterns/lexicon/", $file, ".txt")))));
    };
}

lexicon!(PASSWORDS, "passwords");
lexicon!(PASSWORD_ENDINGS, "password-endings");
lexicon!(TOKENS, "tokens");
lexicon!(KEY_QUALIFIERS, "key-qualifiers");
lexicon!(ABOUT, "about");
lexicon!(NOT_ONE, "not-one");
lexicon!(NO_TOKEN, "no-token");
lexicon!(TECHNICAL, "technical");
lexicon!(STAND_INS, "stand-ins");
lexicon!(WEAK_PASSWORDS, "weak-passwords");
lexicon!(NO_VALUES, "no-values");
lexicon!(PLACEHOLDER_MARKS, "placeholder-marks");
lexicon!(VALUE_NAMES, "value-names");
lexicon!(ACCOUNTS, "accounts");

fn entries(text: &'static str) -> Words {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty()).collect()
}
