//! A user's own rules: the same syntax as `patterns/`, with errors that name file, line and what
//! to change.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::compile::{Compiled, RuleError, compile};
use super::set::{Matcher, Pattern, Rule};
use super::syntax::{RuleFile, RuleSyntax};
use crate::text::{SETTINGS, check_nesting};

/// Why rules could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder or a file in it could not be read.
    #[error("cannot read rules from {path}")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder without a single rule file.
    #[error("no rule files (*.yaml, *.yml) in {0}")]
    Empty(PathBuf),
    /// A file that is not in the rule syntax, or a rule that cannot work.
    #[error("{path}:{line}: {message}")]
    Rule {
        /// The file, or what stands for it.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong and what to write.
        message: String,
    },
}

/// Loads every `*.yaml` and `*.yml` of a folder, in order of name.
pub fn load_dir(dir: &Path) -> Result<Vec<&'static Rule>, LoadError> {
    let mut rules: Vec<&'static Rule> = Vec::new();
    for path in rule_files(dir)? {
        let text = std::fs::read_to_string(&path).map_err(|source| LoadError::Io { path: path.clone(), source })?;
        let name = path.display().to_string();
        for rule in load_text(&text, &name)? {
            if rules.iter().any(|known| known.id == rule.id) {
                let line = line_of(&text, rule.id, "id");
                return Err(LoadError::Rule { path: name, line, message: format!("the id `{}` is taken; choose another", rule.id) });
            }
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// The rule files of a folder, in order of their names.
///
/// # Errors
/// [`LoadError`] if the folder cannot be read or has none.
pub fn rule_files(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let io = |source| LoadError::Io { path: dir.to_path_buf(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(LoadError::Empty(dir.to_path_buf()));
    }
    files.sort();
    Ok(files)
}

/// Loads a rule file's text; `name` stands for it in errors.
pub fn load_text(text: &str, name: &str) -> Result<Vec<&'static Rule>, LoadError> {
    let wrong = |line, message: String| LoadError::Rule {
        path: name.to_owned(),
        line,
        message: format!("{message}; the fields are described in docs/src/writing-rules.md of sopup"),
    };
    check_nesting(text, SETTINGS).map_err(|(line, message)| wrong(line, message))?;
    let file: RuleFile =
        serde_yaml::from_str(text).map_err(|error| wrong(error.location().map_or(1, |location| location.line()), error.to_string()))?;
    load_inline(file.rules, &file.provider, text, name)
}

/// Turns rules as written into rules that run. `text` is what they were read from.
pub fn load_inline(rules: Vec<RuleSyntax>, provider: &str, text: &str, name: &str) -> Result<Vec<&'static Rule>, LoadError> {
    let provider: &'static str = provider.to_owned().leak();
    let load = |syntax: RuleSyntax| {
        let id = syntax.id.clone();
        finish(syntax, provider).map_err(|RuleError { field, message }| LoadError::Rule {
            path: name.to_owned(),
            line: line_of(text, &id, field),
            message: format!("rule `{id}`: {message}"),
        })
    };
    rules.into_iter().map(load).collect()
}

/// The line of a rule's field, or of the rule where it has none.
fn line_of(text: &str, id: &str, field: &str) -> usize {
    let is_id = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        line.strip_prefix("id:").is_some_and(|value| value.trim().trim_matches(['"', '\'']) == id)
    };
    let lines: Vec<&str> = text.lines().collect();
    let Some(start) = lines.iter().position(|line| is_id(line)) else { return 1 };
    let rest = lines[start..].iter().enumerate();
    let mut of_rule = rest.take_while(|(at, line)| *at == 0 || !line.trim_start().starts_with("- id:"));
    let prefix = format!("{field}:");
    let found = of_rule.find(|(_, line)| line.trim_start().trim_start_matches("- ").starts_with(&prefix));
    start + 1 + found.map_or(0, |(at, _)| at)
}

fn finish(mut syntax: RuleSyntax, provider: &'static str) -> Result<&'static Rule, RuleError> {
    let compiled = compile(&syntax)?;
    let matcher = match (compiled, syntax.extractor) {
        (Some(Compiled { pattern, program, reach, stretch, keywords }), _) => {
            syntax.keywords = keywords;
            Matcher::Pattern(Pattern {
                source: pattern.leak(),
                program: program.leak(),
                reach,
                stretch,
                block: syntax.block,
                regex: OnceLock::new(),
            })
        }
        (None, Some(extractor)) => Matcher::Extractor(extractor),
        (None, None) => unreachable!("`compile` refuses a rule with neither pattern nor extractor"),
    };
    if syntax.name.is_empty() {
        syntax.name.clone_from(&syntax.id);
    }
    if syntax.rotate.steps.is_empty() {
        syntax.rotate.steps.push("Revoke it where it was issued, and keep the new one in an encrypted file.".to_owned());
    }
    Ok(Box::leak(Box::new(Rule {
        id: syntax.id.leak(),
        provider,
        name: syntax.name.leak(),
        severity: syntax.severity,
        kind: syntax.kind,
        confidence: syntax.confidence,
        keywords: leak_all(syntax.keywords),
        matcher,
        judge: syntax.judge,
        validators: syntax.validators.leak(),
        min_entropy: syntax.min_entropy,
        reject: leak_all(syntax.reject),
        env: syntax.env.map(|env| &*env.leak()),
        rotate_url: syntax.rotate.url.map(|url| &*url.leak()),
        rotate_steps: leak_all(syntax.rotate.steps),
        references: leak_all(syntax.references),
        examples: leak_all(syntax.examples),
        negatives: leak_all(syntax.negatives),
        rejects: OnceLock::new(),
    })))
}

fn leak_all(texts: Vec<String>) -> &'static [&'static str] {
    texts.into_iter().map(|text| &*text.leak()).collect::<Vec<&'static str>>().leak()
}
