//! `.gitleaks.toml`: rules and allowlists of gitleaks. What has no counterpart is named, with its line.
//! <https://github.com/gitleaks/gitleaks#configuration>

use regex::bytes::{RegexBuilder, RegexSetBuilder};
use toml_edit::{Document, Item, TableLike};

use super::Problem;
use super::go_regex::{bounded, translated};
use crate::finding::{Exemption, Target};
use crate::rule::{Confidence, Judge, Kind, LoadError, MAX_REACH, Rotate, Rule, RuleSet, RuleSyntax, Severity, load_inline};

/// Whose rules they are called.
pub const PROVIDER: &str = "A gitleaks configuration";

/// Why a pattern makes no rule that has no keyword of its own.
const TOO_WIDE: &str = "no text of three characters is part of every match; narrow the pattern, or write it as several rules";

/// What can be used.
#[derive(Debug, Default)]
pub(super) struct Gitleaks {
    /// What it is called.
    pub(super) name: String,
    /// Its rules.
    pub(super) rules: Vec<&'static Rule>,
    /// Rules of sopup that it switches off.
    pub(super) disable: Vec<String>,
    /// What it allows; taken when scanning begins.
    pub(super) allow: Vec<Exemption>,
    /// What is left out or has another effect, in order of line.
    pub(super) unsupported: Vec<Problem>,
}

/// Reads a configuration; `known` are the rules that it may name.
///
/// # Errors
/// It is not TOML: where and why.
pub(super) fn read(text: &str, name: &str, known: &RuleSet) -> Result<Gitleaks, Problem> {
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Problem { line, message: error.message().replace('\n', ", ") }
    })?;
    let mut reader = Reader { text, known, read: Gitleaks { name: name.to_owned(), ..Gitleaks::default() } };
    reader.top(document.as_table());
    reader.read.unsupported.sort_by_key(|problem| problem.line);
    Ok(reader.read)
}

struct Reader<'a> {
    text: &'a str,
    known: &'a RuleSet,
    read: Gitleaks,
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// A table whose keys may be written in any case, as gitleaks reads them.
struct Table<'t> {
    inner: &'t dyn TableLike,
    line: usize,
}

impl<'t> Table<'t> {
    fn get(&self, key: &str) -> Option<&'t Item> {
        self.inner.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, item)| item)
    }

    fn text(&self, key: &str) -> Option<&'t str> {
        self.get(key).and_then(Item::as_str)
    }

    /// Texts of a list, or one that stands alone, with their offsets.
    fn texts(&self, key: &str) -> Vec<(&'t str, usize)> {
        let offset = |span: Option<std::ops::Range<usize>>| span.map_or(0, |span| span.start);
        match self.get(key) {
            Some(item) => match item.as_array() {
                Some(array) => array.iter().filter_map(|one| Some((one.as_str()?, offset(one.span())))).collect(),
                None => item.as_str().map(|text| (text, offset(item.span()))).into_iter().collect(),
            },
            None => Vec::new(),
        }
    }

    fn number(&self, key: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "numbers there are small")]
        self.get(key).and_then(|item| item.as_float().or_else(|| item.as_integer().map(|number| number as f64)))
    }
}

impl<'a> Reader<'a> {
    fn unsupported(&mut self, line: usize, message: impl Into<String>) {
        self.read.unsupported.push(Problem { line, message: message.into() });
    }

    /// Names keys that have no counterpart.
    fn check_keys(&mut self, table: &Table<'_>, place: &str, known: &[&str], advice: &[(&str, &str)]) {
        for (key, item) in table.inner.iter() {
            if known.iter().any(|one| one.eq_ignore_ascii_case(key)) {
                continue;
            }
            let span = table.inner.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
            let line = span.map_or(table.line, |span| line_of(self.text, span.start));
            let advice = advice.iter().find(|(one, _)| one.eq_ignore_ascii_case(key));
            let advice = advice.map_or("remove it, or correct its name", |(_, advice)| advice);
            self.unsupported(line, format!("`{key}` in {place} is not supported; {advice}"));
        }
    }

    /// The tables of a key, which may be one or a list.
    fn tables<'t>(&self, table: &Table<'t>, key: &str) -> Vec<Table<'t>> {
        let Some(item) = table.get(key) else { return Vec::new() };
        let at = |span: Option<std::ops::Range<usize>>| span.map_or(table.line, |span| line_of(self.text, span.start));
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|one| Table { inner: one, line: at(one.span()) }).collect();
        }
        if let Some(array) = item.as_array() {
            let inline = array.iter().filter_map(|one| Some((one.as_inline_table()?, one.span())));
            return inline.map(|(one, span)| Table { inner: one, line: at(span) }).collect();
        }
        item.as_table_like().map(|inner| Table { inner, line: at(item.span()) }).into_iter().collect()
    }

    fn top(&mut self, table: &'a toml_edit::Table) {
        let top = Table { inner: table, line: 1 };
        let known = ["title", "description", "minVersion", "extend", "rules", "allowlist", "allowlists"];
        self.check_keys(&top, "the file", &known, &[]);
        let rules = self.tables(&top, "rules");
        for rule in &rules {
            self.rule(rule);
        }
        for extend in self.tables(&top, "extend") {
            self.extend(&extend);
        }
        for key in ["allowlist", "allowlists"] {
            for list in self.tables(&top, key) {
                self.allowlist(&list, None);
            }
        }
    }

    fn extend(&mut self, table: &Table<'_>) {
        let merge = "copy what that file has into this one";
        self.check_keys(table, "[extend]", &["useDefault", "disabledRules"], &[("path", merge), ("url", merge)]);
        for (id, at) in table.texts("disabledRules") {
            match self.id_of(id) {
                Some(id) => self.read.disable.push(id),
                None => {
                    let line = line_of(self.text, at);
                    self.unsupported(line, format!("`disabledRules` names `{id}`, which sopup does not have{}", self.proposal(id)));
                }
            }
        }
    }

    /// What to write instead of the id of a rule of gitleaks.
    fn proposal(&self, id: &str) -> String {
        let similar = self.known.similar(&rule_id(id));
        let like = if similar.is_empty() { String::new() } else { format!(", such as {}", similar.join(", ")) };
        format!("; name a rule of sopup in .sopup.yaml{like}")
    }

    /// The id of a rule in sopup, if it has one.
    fn id_of(&self, id: &str) -> Option<String> {
        let id = rule_id(id);
        let is_known = self.read.rules.iter().any(|rule| rule.id == id) || self.known.by_id(&id).is_some();
        is_known.then_some(id)
    }

    fn rule(&mut self, table: &Table<'_>) {
        let Some(written) = table.text("id") else {
            return self.unsupported(table.line, "a rule has no `id`; add one");
        };
        let place = format!("the rule `{written}`");
        let known = ["id", "description", "regex", "secretGroup", "entropy", "keywords", "path", "tags", "allowlist", "allowlists"];
        let advice = [("required", "the rule reports its own matches alone"), ("skipReport", "remove the rule")];
        self.check_keys(table, &place, &known, &advice);
        let id = match (table.text("regex"), table.text("path")) {
            (Some(regex), path) => match self.syntax(table, written, regex) {
                Ok(rule) => {
                    let id = rule.id;
                    self.read.rules.push(rule);
                    if let Some(path) = path.map(|path| self.paths(&[(path, 0)], table.line)) {
                        let reason = format!("{}:{}: {place} looks at other files", self.read.name, table.line);
                        let rules = vec![id.to_owned()];
                        self.read.allow.push(Exemption { reason, rules, paths: path, elsewhere: true, ..Exemption::default() });
                    }
                    id.to_owned()
                }
                Err(message) => return self.unsupported(table.line, format!("{place} is left out: {message}")),
            },
            (None, Some(_)) => {
                let message = format!("{place} is left out: sopup does not report files for their names; keep them out with .gitignore");
                return self.unsupported(table.line, message);
            }
            (None, None) => match self.id_of(written) {
                Some(id) => id,
                None => {
                    let message = format!("{place} changes a rule that sopup does not have{}", self.proposal(written));
                    return self.unsupported(table.line, message);
                }
            },
        };
        for key in ["allowlist", "allowlists"] {
            for list in self.tables(table, key) {
                self.allowlist(&list, Some(&id));
            }
        }
    }

    fn syntax(&mut self, table: &Table<'_>, id: &str, regex: &str) -> Result<&'static Rule, String> {
        let number = table.number("secretGroup").unwrap_or(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates, and no pattern has so many groups")]
        let group = number as u32;
        let pattern = bounded(regex, group, MAX_REACH)?;
        if group == 0 && pattern.groups > 1 {
            self.unsupported(table.line, format!("the rule `{id}` has several groups and no `secretGroup`: the first is the credential"));
        }
        let keywords: Vec<String> = table.texts("keywords").into_iter().map(|(word, _)| word.to_owned()).collect();
        let syntax = |keywords| RuleSyntax {
            id: rule_id(id),
            name: table.text("description").unwrap_or_default().trim_end_matches('.').to_owned(),
            severity: Severity::High,
            kind: Kind::Token,
            confidence: Confidence::High,
            keywords,
            pattern: Some(pattern.pattern.clone()),
            extractor: None,
            block: None,
            judge: Judge::Format,
            validators: Vec::new(),
            min_entropy: table.number("entropy").filter(|entropy| *entropy > 0.0),
            reject: Vec::new(),
            env: None,
            rotate: Rotate::default(),
            references: Vec::new(),
            examples: Vec::new(),
            negatives: Vec::new(),
        };
        let load = |keywords| match load_inline(vec![syntax(keywords)], PROVIDER, "", "") {
            Ok(rules) => Ok(rules[0]),
            Err(LoadError::Rule { message, .. }) if message.contains("add `keywords`") => Err(TOO_WIDE.to_owned()),
            Err(LoadError::Rule { message, .. }) => Err(message.split_once("`: ").map_or(message.clone(), |(_, rest)| rest.to_owned())),
            Err(error) => Err(error.to_string()),
        };
        if !keywords.is_empty() {
            match load(keywords) {
                Ok(rule) => return Ok(rule),
                Err(_) => {
                    let message = format!(
                        "a match of the rule `{id}` need not have one of its `keywords`: it is looked for in files without them, too"
                    );
                    let rule = load(Vec::new())?;
                    self.unsupported(table.line, message);
                    return Ok(rule);
                }
            }
        }
        load(Vec::new())
    }

    /// An allowlist, of one rule or of all.
    fn allowlist(&mut self, table: &Table<'_>, rule: Option<&str>) {
        let known = ["description", "condition", "commits", "paths", "regexTarget", "regexes", "stopwords", "targetRules"];
        let known = if rule.is_some() { &known[..7] } else { &known };
        let place = rule.map_or_else(|| "an allowlist".to_owned(), |rule| format!("an allowlist of the rule `{rule}`"));
        self.check_keys(table, &place, known, &[]);
        let mut rules: Vec<String> = rule.map(str::to_owned).into_iter().collect();
        let targets = if rule.is_none() { table.texts("targetRules") } else { Vec::new() };
        for (id, at) in &targets {
            match self.id_of(id) {
                Some(id) => rules.push(id),
                None => {
                    let line = line_of(self.text, *at);
                    self.unsupported(line, format!("`targetRules` names `{id}`, which sopup does not have{}", self.proposal(id)));
                }
            }
        }
        if !targets.is_empty() && rules.is_empty() {
            return;
        }
        let target = match table.text("regexTarget").unwrap_or_default() {
            "" | "secret" => Target::Secret,
            "match" => Target::Match,
            "line" => Target::Line,
            other => {
                return self.unsupported(table.line, format!("`regexTarget` `{other}` of {place} is unknown; write secret, match or line"));
            }
        };
        let name = table.text("description").unwrap_or("allowlist");
        let regexes = self.regexes(&table.texts("regexes"));
        let lower = |key| table.texts(key).into_iter().map(|(text, _)| text.to_ascii_lowercase()).collect::<Vec<_>>();
        let exemption = Exemption {
            reason: format!("{}:{}: {name}", self.read.name, table.line),
            rules,
            needs_all: table.text("condition").is_some_and(|condition| condition.eq_ignore_ascii_case("and") || condition == "&&"),
            paths: self.paths(&table.texts("paths"), table.line),
            elsewhere: false,
            regexes: (!regexes.is_empty()).then_some((target, regexes)),
            stopwords: lower("stopwords"),
            commits: lower("commits"),
        };
        let is_written = |key| table.get(key).is_some();
        let is_lost = exemption.needs_all
            && (is_written("paths") && exemption.paths.is_none() || is_written("regexes") && exemption.regexes.is_none());
        let short = exemption.commits.iter().any(|commit| commit.len() < 40);
        if short {
            self.unsupported(
                table.line,
                format!("a commit of {place} is not a full name of 40 digits, and matches nothing; write all of it"),
            );
        }
        // Without one of its conditions a list would allow more than it says.
        if is_lost {
            return self.unsupported(table.line, format!("{place} is left out, as one of its conditions cannot be read"));
        }
        if exemption.paths.is_none() && exemption.regexes.is_none() && exemption.stopwords.is_empty() && exemption.commits.is_empty() {
            return self.unsupported(table.line, format!("{place} has no condition that can be read, and allows nothing"));
        }
        self.read.allow.push(exemption);
    }

    fn regexes(&mut self, sources: &[(&str, usize)]) -> Vec<regex::bytes::Regex> {
        let compiled = sources.iter().map(|(source, at)| {
            let regex = RegexBuilder::new(&translated(source)).unicode(false).size_limit(8 << 20).build();
            regex.map_err(|error| (line_of(self.text, *at), format!("`{source}` is left out: {}", last_line(&error.to_string()))))
        });
        let (good, bad): (Vec<_>, Vec<_>) = compiled.partition(Result::is_ok);
        bad.into_iter().filter_map(Result::err).for_each(|(line, message)| self.unsupported(line, message));
        good.into_iter().filter_map(Result::ok).collect()
    }

    fn paths(&mut self, sources: &[(&str, usize)], line: usize) -> Option<regex::bytes::RegexSet> {
        let good: Vec<String> = self.regexes(sources).iter().map(|regex| regex.as_str().to_owned()).collect();
        if good.is_empty() {
            return None;
        }
        match RegexSetBuilder::new(good).unicode(false).size_limit(32 << 20).build() {
            Ok(set) => Some(set),
            Err(error) => {
                self.unsupported(line, format!("the `paths` here are left out: {}", last_line(&error.to_string())));
                None
            }
        }
    }
}

fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// An id as sopup writes it: lower case, digits and dashes.
fn rule_id(id: &str) -> String {
    let mut made = String::new();
    for c in id.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            made.push(c);
        } else if !made.is_empty() && !made.ends_with('-') {
            made.push('-');
        }
    }
    made.trim_end_matches('-').to_owned()
}
