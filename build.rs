//! Compiles `patterns/*.yaml` into constants: the rules themselves and the table that finds all
//! their keywords. What can be wrong with a rule is found here, not when sopup runs.

#![allow(missing_docs, unreachable_pub, dead_code, reason = "modules shared with the library")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/rule/compile.rs"]
mod compile;
#[path = "src/rule/lexicon.rs"]
mod lexicon;
#[path = "src/rule/prefilter.rs"]
mod prefilter;
#[path = "src/rule/stretch.rs"]
mod stretch;
#[path = "src/rule/syntax.rs"]
mod syntax;

use syntax::{RuleFile, RuleSyntax};

fn main() {
    for path in ["build.rs", "patterns", "src/archive", "src/rule", "src/detect", "src/text"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets this"));
    let mut detector = DefaultHasher::new();
    for folder in ["patterns/lexicon", "src/archive", "src/rule", "src/detect", "src/text"] {
        hash_files(&root.join(folder), &mut detector);
    }
    println!("cargo::rustc-env=SOPUP_DETECTOR={}-{:016x}", env!("CARGO_PKG_VERSION"), detector.finish());
    let rules = read_rules(&root.join("patterns"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets this"));
    fs::write(out.join("builtin.rs"), generate(&rules)).expect("OUT_DIR is writable");
}

/// Everything that decides what is found, beside the rules themselves.
fn hash_files(folder: &Path, hasher: &mut DefaultHasher) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("it is readable").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_files(&path, hasher);
        } else {
            fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).hash(hasher);
        }
    }
}

/// A rule with its provider, in order of file name.
fn read_rules(dir: &Path) -> Vec<(String, RuleSyntax)> {
    let entries = fs::read_dir(dir).expect("patterns/ is readable");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("patterns/ is readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut rules = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file: RuleFile = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for rule in file.rules {
            assert!(
                rules.iter().all(|(_, known): &(String, RuleSyntax)| known.id != rule.id),
                "{}: the id {} is taken",
                path.display(),
                rule.id
            );
            let complete =
                !rule.name.is_empty() && !rule.rotate.steps.is_empty() && (rule.extractor.is_some() || !rule.keywords.is_empty());
            let proven = rule.examples.len() >= 2 && rule.negatives.len() >= 2;
            assert!(
                complete && proven,
                "{}: the rule {} needs a name, keywords, steps to rotate, and two examples and negatives",
                path.display(),
                rule.id
            );
            rules.push((file.provider.clone(), rule));
        }
    }
    rules
}

fn generate(rules: &[(String, RuleSyntax)]) -> String {
    let mut out = format!("pub(super) static RULES: [Rule; {}] = [\n", rules.len());
    let mut errors = Vec::new();
    for (provider, rule) in rules {
        match compile::compile(rule) {
            Ok(compiled) => write_rule(&mut out, provider, rule, compiled.as_ref()),
            Err(e) => errors.push(format!("rule {}: {}: {e}", rule.id, e.field)),
        }
    }
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
    out.push_str("];\n");
    write_prefilter(&mut out, rules);
    out
}

fn write_rule(out: &mut String, provider: &str, rule: &RuleSyntax, compiled: Option<&compile::Compiled>) {
    let matcher = match (compiled, rule.extractor) {
        (Some(compiled), _) => format!(
            "Matcher::Pattern(Pattern {{ source: {:?}, program: {:?}, reach: {}, stretch: {}, block: {}, regex: OnceLock::new() }})",
            compiled.pattern,
            compiled.program,
            compiled.reach,
            option(compiled.stretch.map(|stretch| format!("{stretch:?}"))),
            option(rule.block.map(|block| format!("Block::{block:?}"))),
        ),
        (None, extractor) => format!("Matcher::Extractor(Extractor::{:?})", extractor.expect("checked by `compile`")),
    };
    let validators: Vec<String> = rule.validators.iter().map(|validator| format!("Validator::{validator:?}")).collect();
    writeln!(
        out,
        "Rule {{ id: {:?}, provider: {provider:?}, name: {:?}, severity: Severity::{:?}, kind: Kind::{:?}, confidence: Confidence::{:?}, \
         keywords: &{:?}, matcher: {matcher}, judge: Judge::{:?}, validators: &[{}], min_entropy: {:?}, reject: &{:?}, env: {:?}, \
         rotate_url: {:?}, rotate_steps: &{:?}, references: &{:?}, examples: &{:?}, negatives: &{:?}, rejects: OnceLock::new() }},",
        rule.id,
        rule.name,
        rule.severity,
        rule.kind,
        rule.confidence,
        rule.keywords,
        rule.judge,
        validators.join(", "),
        rule.min_entropy,
        rule.reject,
        rule.env,
        rule.rotate.url,
        rule.rotate.steps,
        rule.references,
        rule.examples,
        rule.negatives,
    )
    .expect("a string takes any text");
}

fn option(value: Option<String>) -> String {
    value.map_or_else(|| "None".to_owned(), |value| format!("Some({value})"))
}

fn write_prefilter(out: &mut String, rules: &[(String, RuleSyntax)]) {
    let mut keywords: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for (index, (_, rule)) in rules.iter().enumerate() {
        for keyword in &rule.keywords {
            let triggers = keywords.entry(keyword.to_ascii_lowercase().into_bytes()).or_default();
            triggers.push(format!("Trigger::Rule(RuleIndex({index}))"));
        }
    }
    for (word, cue) in lexicon::cue_words() {
        let triggers = keywords.entry(word.to_ascii_lowercase().into_bytes()).or_default();
        triggers.push(format!("Trigger::Cue(Cue::{cue:?})"));
    }
    let texts: Vec<&[u8]> = keywords.keys().map(Vec::as_slice).collect();
    let filter = prefilter::Prefilter::build(&texts).unwrap_or_else(|e| panic!("{e}"));
    let mut starts = vec![0];
    for triggers in keywords.values() {
        starts.push(starts.last().copied().unwrap_or(0) + triggers.len());
    }
    let triggers: Vec<String> = keywords.into_values().flatten().collect();
    write!(
        out,
        "pub(super) static PREFILTER: Prefilter = Prefilter {{ columns: Cow::Borrowed(&{:?}), table: Cow::Borrowed(&{:?}), \
         first_match: {}, output_starts: Cow::Borrowed(&{:?}), outputs: Cow::Borrowed(&{:?}), lengths: Cow::Borrowed(&{:?}), longest: {} }};\n\
         pub(super) static TRIGGER_STARTS: &[u32] = &{starts:?};\n\
         pub(super) static TRIGGERS: &[Trigger] = &[{}];\n",
        filter.columns,
        filter.table,
        filter.first_match,
        filter.output_starts,
        filter.outputs,
        filter.lengths,
        filter.longest,
        triggers.join(", "),
    )
    .expect("a string takes any text");
}
