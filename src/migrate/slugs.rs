//! [`Slugs`]: the values of secrets in the form in which a name could show them. Names of entries come from words around
//! a secret, and those may be secrets too.

use aho_corasick::{AhoCorasick, MatchKind};

use super::naming::slug;
use crate::secret::Secret;

/// Shorter forms are words that stand anywhere.
const SHORTEST: usize = 8;
/// Names have no more letters.
const LONGEST: usize = 48;

/// What names are checked against.
#[derive(Debug, Default)]
pub(super) struct Slugs {
    /// Values as they are.
    values: Option<AhoCorasick>,
    /// Letters and digits of values, in lower case.
    forms: Option<AhoCorasick>,
}

impl Slugs {
    /// Of some values.
    pub(super) fn new<'s>(secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let texts: Vec<&str> = secrets.filter_map(|secret| std::str::from_utf8(secret.expose()).ok()).collect();
        let finder = |patterns: Vec<String>| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(patterns).ok();
        let values = texts.iter().filter(|text| text.len() >= SHORTEST).map(|text| (*text).to_owned()).collect();
        Self { values: finder(values), forms: finder(texts.iter().flat_map(|text| forms(text)).collect()) }
    }

    /// Whether a name shows a value.
    pub(super) fn is_shown(&self, name: &str) -> bool {
        self.forms.as_ref().is_some_and(|forms| forms.is_match(&compact(name)))
    }

    /// A text with blanks in the place of values, to take names from.
    pub(super) fn blank(&self, text: &str) -> String {
        let mut blanked = String::with_capacity(text.len());
        let mut at = 0;
        for found in self.values.iter().flat_map(|values| values.find_iter(text)) {
            blanked.push_str(&text[at..found.start()]);
            blanked.push_str(&" ".repeat(found.len()));
            at = found.end();
        }
        blanked.push_str(&text[at..]);
        blanked
    }

    /// How many names of a text show a value. The values themselves do not count.
    pub(super) fn count(&self, text: &[u8]) -> usize {
        let blanked = self.blank(&String::from_utf8_lossy(text));
        let names = blanked.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
        names.filter(|name| name.len() >= SHORTEST && self.is_shown(name)).count()
    }
}

fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What a name can have of a value: all of it, its first words, or the first ones that are no numbers.
fn forms(value: &str) -> Vec<String> {
    let head: String = value.chars().take(8 * LONGEST).collect();
    let words = slug(&head);
    let lettered = words.split('_').filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit())).take(3).collect::<String>();
    let all = Some(compact(&head)).filter(|all| all.len() <= LONGEST);
    let count = words.split('_').count();
    all.into_iter().chain([compact(&words), lettered]).filter(|form| is_telling(form, count)).collect()
}

/// Whether letters hardly stand in a name by chance.
fn is_telling(form: &str, words: usize) -> bool {
    let mixed = form.bytes().any(|byte| byte.is_ascii_digit()) && form.bytes().any(|byte| byte.is_ascii_alphabetic());
    form.len() >= SHORTEST && (mixed || words >= 4 && form.len() >= 2 * SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slugs(values: &[&str]) -> Slugs {
        let secrets: Vec<Secret> = values.iter().map(|value| Secret::new(value.as_bytes().to_vec())).collect();
        Slugs::new(secrets.iter())
    }

    #[test]
    fn names_that_show_a_value_are_told() {
        let slugs = slugs(&["walrus-Timber-88-xq", "Zq9wLm2xTr7pKd", "onyx glacier meadow tundra", "password", "postgres"]);
        for name in ["walrus_timber_88_xq_password", "WALRUS_TIMBER_88_XQ", "mysql-p-zq9w-lm2x-tr7p", "onyx_glacier_meadow_tundra"] {
            assert!(slugs.is_shown(name), "{name}");
        }
        for name in ["postgres_password", "walrus_password", "POSTGRES_PASSWORD", ""] {
            assert!(!slugs.is_shown(name), "{name}");
        }
    }

    #[test]
    fn values_are_taken_out_of_what_names_come_from() {
        let slugs = slugs(&["Orchid.Meadow.898", "gR4nite-Falcon-27"]);
        assert_eq!(slugs.blank("ł Orchid.Meadow.898 | x"), format!("ł {} | x", " ".repeat(17)));
        assert_eq!(slugs.count(b"a: gR4nite-Falcon-27 b"), 0);
        assert_eq!(slugs.count(b"ref+sops://a#/g_r4nite_falcon_27 orchid_meadow_898"), 2);
    }
}
