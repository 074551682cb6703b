//! What another scanner's configuration allows: paths, values, commits and words, by regular expressions that need not
//! match the whole.

use regex::bytes::RegexSet;

use super::Located;

/// A list of what is allowed. Any condition is enough, or all of them together are.
#[derive(Debug, Default)]
pub struct Exemption {
    /// Where it stands and what it is called.
    pub reason: String,
    /// Ids of rules; all rules if there are none.
    pub rules: Vec<String>,
    /// Whether all conditions that it has must hold.
    pub needs_all: bool,
    /// Of paths below the folder of the configuration.
    pub paths: Option<RegexSet>,
    /// Whether paths must not match, for rules that look at some files alone.
    pub elsewhere: bool,
    /// Of values or lines.
    pub regexes: Option<(Target, Vec<regex::bytes::Regex>)>,
    /// Texts in values, in lower case.
    pub stopwords: Vec<String>,
    /// Full names of commits, in lower case.
    pub commits: Vec<String>,
}

/// What a regular expression is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The value.
    Secret,
    /// The line around the value, in a place that touches the value.
    Match,
    /// The line around the value.
    Line,
}

impl Exemption {
    /// Whether it allows a place; `path` is the whole one.
    pub(super) fn allows(&self, located: &Located, path: &str) -> bool {
        if !self.rules.is_empty() && self.rules.iter().all(|rule| rule != located.rule.id) {
            return false;
        }
        let value = located.secret.expose();
        let words = |words: &Vec<String>| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| memchr::memmem::find(&value, word.as_bytes()).is_some())
        };
        let conditions = [
            self.paths.as_ref().map(|paths| paths.is_match(path.as_bytes()) != self.elsewhere),
            self.regexes.as_ref().map(|(target, regexes)| is_matched(*target, regexes, located)),
            Some(&self.stopwords).filter(|words| !words.is_empty()).map(words),
            Some(&self.commits).filter(|commits| !commits.is_empty()).map(|commits| is_of(commits, located)),
        ];
        let mut conditions = conditions.into_iter().flatten();
        if self.needs_all { conditions.all(|holds| holds) } else { conditions.any(|holds| holds) }
    }
}

fn is_of(commits: &[String], located: &Located) -> bool {
    let commit = located.occurrence.sighting.as_ref().and_then(|sighting| sighting.commit.as_ref());
    commit.is_some_and(|commit| commits.contains(&commit.id))
}

fn is_matched(target: Target, regexes: &[regex::bytes::Regex], located: &Located) -> bool {
    let value = located.secret.expose();
    if target == Target::Secret {
        return regexes.iter().any(|regex| regex.is_match(value));
    }
    // The line as reports show it, with the value in place of its mask.
    let excerpt = &located.occurrence.excerpt;
    let (before, after) = (&excerpt.text[..excerpt.mark.start], &excerpt.text[excerpt.mark.end..]);
    let line = zeroize::Zeroizing::new([before.as_bytes(), value, after.as_bytes()].concat());
    let (start, end) = (before.len(), before.len() + value.len());
    let touches = |found: regex::bytes::Match<'_>| target == Target::Line || found.start() < end && start < found.end();
    regexes.iter().any(|regex| regex.find_iter(&line).any(touches))
}
