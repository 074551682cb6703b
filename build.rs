//! Compiles `patterns/` into constants: the rules themselves, the words of the languages, and the table that finds all
//! keywords. What can be wrong with a rule is found here, not when sopup runs.

#![allow(missing_docs, unreachable_pub, dead_code, reason = "modules shared with the library")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

#[path = "src/rule/compile.rs"]
mod compile;
#[path = "src/rule/cue.rs"]
mod cue;
#[path = "src/rule/prefilter.rs"]
mod prefilter;
#[path = "src/rule/stretch.rs"]
mod stretch;
#[path = "src/rule/syntax.rs"]
mod syntax;

use cue::Cue;
use syntax::{RuleFile, RuleSyntax};

fn main() {
    for path in ["build.rs", "patterns", "src/archive", "src/rule", "src/detect", "src/text"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets this"));
    let mut detector = DefaultHasher::new();
    for folder in ["patterns/lexicon", "patterns/shapes", "patterns/words", "src/archive", "src/rule", "src/detect", "src/text"] {
        hash_files(&root.join(folder), &mut detector);
    }
    println!("cargo::rustc-env=SOPUP_DETECTOR={}-{:016x}", env!("CARGO_PKG_VERSION"), detector.finish());
    let rules = read_rules(&root.join("patterns"));
    let languages = read_languages(&root.join("patterns/words"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets this"));
    fs::write(out.join("builtin.rs"), generate(&rules, &cues(&languages))).expect("OUT_DIR is writable");
    fs::write(out.join("languages.rs"), words(&languages)).expect("OUT_DIR is writable");
    fs::write(out.join("shapes.rs"), shapes(&root.join("patterns/shapes"))).expect("OUT_DIR is writable");
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

/// The YAML files of a folder, in order of their names.
fn read_all<T: serde::de::DeserializeOwned>(dir: &Path) -> impl Iterator<Item = (PathBuf, T)> {
    let entries = fs::read_dir(dir).expect("patterns/ is readable");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("patterns/ is readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (path, file)
    })
}

/// What announces a secret in every language.
const OF_ANY_LANGUAGE: &[(&str, Cue)] = &[
    ("://", Cue::Url),
    ("%3a%2f%2f", Cue::Url),
    ("account", Cue::Account),
    ("owner_id", Cue::Account),
    ("ownerid", Cue::Account),
    ("arn:aws", Cue::Account),
    (".dkr.ecr.", Cue::Account),
    (".signin.aws.", Cue::Account),
    ("amazonaws.com/", Cue::Account),
    ("aws-athena-query-results-", Cue::Account),
    ("aws-glue-assets-", Cue::Account),
    ("aws-logs-", Cue::Account),
    ("cdk-hnb659fds-", Cue::Account),
    ("elasticbeanstalk-", Cue::Account),
    ("sagemaker-", Cue::Account),
    ("- admin/", Cue::Login),
    ("<td>", Cue::Cell),
];

/// Accounts whose password is often the same, and what stands between the two.
const TWICE: [&str; 2] = ["admin", "guest"];
const JOINTS: [&str; 5] = ["/", "`/`", "\", \"", "', '", "\" \""];

/// The words of one language by what they mean.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Language {
    /// What the language is called.
    language: String,
    /// Words for a password, in lower case. Of a phrase the last word means it.
    passwords: Vec<String>,
    /// Words for a token or a machine's secret, in lower case.
    tokens: Vec<String>,
    /// Texts that a search starts at, if they are not the words themselves.
    starts: Starts,
    /// Words for a user's name.
    users: Vec<String>,
    /// Words for a login, which start a search.
    logins: Vec<String>,
    /// `is`: ties a value to its name.
    verbs: Vec<String>,
    /// `be`, `now`: ties only a value in marks to its name.
    auxiliaries: Vec<String>,
    /// `to`, as in "was changed to X".
    prepositions: Vec<String>,
    /// Like verbs, where no spaces stand between words.
    particles: Vec<String>,
    /// `I set it to`: phrases that tell a value later in the sentence, where no spaces stand between words.
    telling: Vec<String>,
    /// `and`.
    conjunctions: Vec<String>,
    /// `enter`, before what is typed.
    using: Vec<String>,
    /// `reset`, before the name of what is set.
    changing: Vec<String>,
    /// `defaults to`, before what something is set to.
    settles: Vec<String>,
    /// `the`, which says nothing.
    fillers: Vec<String>,
    /// `are both`, where no spaces stand between words.
    both: Vec<String>,
    /// `initial`: before a name, where no spaces stand between words, it says that whatever follows is the value.
    defaults: Vec<String>,
    /// `no`, `without`: before the name, they say that there is none.
    denials: Vec<String>,
    /// `value`, of which documents count several: `value1`.
    values: Vec<String>,
}

/// Texts that a search starts at. ASCII letters match in either case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Starts {
    /// For passwords.
    passwords: Option<Vec<String>>,
    /// For tokens.
    tokens: Option<Vec<String>>,
}

/// Everything that a search starts at.
fn cues(languages: &[Language]) -> Vec<(String, Cue)> {
    let mut cues: Vec<(String, Cue)> = OF_ANY_LANGUAGE.iter().map(|&(text, cue)| (text.to_owned(), cue)).collect();
    for account in TWICE {
        cues.extend(JOINTS.map(|joint| (format!("{account}{joint}{account}"), Cue::Login)));
    }
    let mut words = Vec::new();
    for language in languages {
        let kinds = [
            (Cue::Password, language.starts.passwords.as_ref(), &language.passwords),
            (Cue::Token, language.starts.tokens.as_ref(), &language.tokens),
            (Cue::Login, None, &language.logins),
        ];
        for (cue, starts, all) in kinds {
            cues.extend(starts.into_iter().flatten().map(|text| (text.clone(), cue)));
            words.extend(all.iter().filter(|_| starts.is_none()).flat_map(|word| spellings(word)).map(|word| (word, cue)));
        }
    }
    // Short ones first: what another one finds starts no second search.
    words.sort_by_key(|(word, _)| word.len());
    for (word, cue) in words {
        if !cues.iter().any(|(known, of)| *of == cue && word.contains(known.as_str())) {
            cues.push((word, cue));
        }
    }
    cues
}

/// A word in lower case, with a capital and in capitals, where the search would not see that they are the same.
fn spellings(word: &str) -> Vec<String> {
    let mut letters = word.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let mut all = vec![word.to_owned()];
    for other in [capital, word.to_uppercase()] {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&other)) {
            all.push(other);
        }
    }
    all
}

/// What a password's words are in names: of a phrase the last one.
fn passwords(languages: &[Language]) -> Vec<String> {
    let last = |word: &String| word.rsplit(' ').next().unwrap_or(word).to_owned();
    let mut words: Vec<String> = languages.iter().flat_map(|language| &language.passwords).map(last).collect();
    words.sort();
    words.dedup();
    words
}

fn read_languages(dir: &Path) -> Vec<Language> {
    read_all(dir)
        .map(|(path, language): (PathBuf, Language)| {
            assert!(!language.language.is_empty() && !language.passwords.is_empty(), "{}: needs a name and words", path.display());
            let lower = language.passwords.iter().all(|word| *word == word.to_lowercase());
            assert!(lower, "{}: words are in lower case", path.display());
            language
        })
        .collect()
}

/// What each field holds in all languages together.
fn words(languages: &[Language]) -> String {
    let field = |of: fn(&Language) -> &Vec<String>| {
        let mut words: Vec<String> = languages.iter().flat_map(of).cloned().collect();
        words.sort();
        words.dedup();
        words
    };
    let fields = [
        ("PASSWORDS", passwords(languages)),
        ("TOKENS", field(|language| &language.tokens)),
        ("USERS", field(|language| &language.users)),
        ("VERBS", field(|language| &language.verbs)),
        ("AUXILIARIES", field(|language| &language.auxiliaries)),
        ("PREPOSITIONS", field(|language| &language.prepositions)),
        ("PARTICLES", field(|language| &language.particles)),
        ("TELLING", field(|language| &language.telling)),
        ("CONJUNCTIONS", field(|language| &language.conjunctions)),
        ("USING", field(|language| &language.using)),
        ("CHANGING", field(|language| &language.changing)),
        ("SETTLES", field(|language| &language.settles)),
        ("FILLERS", field(|language| &language.fillers)),
        ("BOTH", field(|language| &language.both)),
        ("DEFAULTS", field(|language| &language.defaults)),
        ("DENIALS", field(|language| &language.denials)),
        ("VALUES", field(|language| &language.values)),
    ];
    fields.iter().map(|(name, words)| format!("pub(super) const {name}: &[&str] = &{words:?};\n")).collect()
}

/// What a value is that is no secret, told by a pattern for all of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    /// Behind "it is".
    what: String,
    /// What it looks like.
    pattern: String,
    /// What it looks like where a generator may have made the value; `true` if that is the same.
    unmistakable: Option<Unmistakable>,
    /// Values that are it.
    examples: Vec<String>,
    /// Values that are not.
    negatives: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Unmistakable {
    Always(bool),
    If(String),
}

/// The shapes in order of their files, whose names are theirs.
fn shapes(dir: &Path) -> String {
    let mut out = String::new();
    let mut count = 0;
    for (path, shape) in read_all::<Shape>(dir) {
        let id = path.file_stem().and_then(|stem| stem.to_str()).expect("files have names in ASCII");
        let proven = shape.examples.len() >= 3 && shape.negatives.len() >= 3;
        assert!(proven && !shape.what.is_empty(), "{}: needs words, three examples and three negatives", path.display());
        let unmistakable = shape.unmistakable.and_then(|one| match one {
            Unmistakable::Always(always) => always.then(|| shape.pattern.clone()),
            Unmistakable::If(pattern) => Some(pattern),
        });
        for pattern in [Some(&shape.pattern), unmistakable.as_ref()].into_iter().flatten() {
            let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).dot_matches_new_line(true).build().parse(pattern);
            assert!(parsed.is_ok(), "{}: {pattern}: {}", path.display(), parsed.expect_err("it is not ok"));
        }
        writeln!(
            out,
            "Shape {{ evidence: Evidence::new({id:?}, {:?}), pattern: {:?}, unmistakable: {unmistakable:?}, examples: &{:?}, negatives: &{:?} }},",
            shape.what, shape.pattern, shape.examples, shape.negatives,
        )
        .expect("a string takes any text");
        count += 1;
    }
    format!("static SHAPES: [Shape; {count}] = [\n{out}];\n")
}

/// A rule with its provider, in order of file name.
fn read_rules(dir: &Path) -> Vec<(String, RuleSyntax)> {
    let mut rules = Vec::new();
    for (path, file) in read_all::<RuleFile>(dir) {
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

fn generate(rules: &[(String, RuleSyntax)], cues: &[(String, Cue)]) -> String {
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
    write_prefilter(&mut out, rules, cues);
    let cues: Vec<String> = cues.iter().map(|(word, cue)| format!("({word:?}, Cue::{cue:?})")).collect();
    writeln!(out, "pub(super) static CUES: &[(&str, Cue)] = &[{}];", cues.join(", ")).expect("a string takes any text");
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

fn write_prefilter(out: &mut String, rules: &[(String, RuleSyntax)], cues: &[(String, Cue)]) {
    let mut keywords: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for (index, (_, rule)) in rules.iter().enumerate() {
        for keyword in &rule.keywords {
            let triggers = keywords.entry(keyword.to_ascii_lowercase().into_bytes()).or_default();
            triggers.push(format!("Trigger::Rule(RuleIndex({index}))"));
        }
    }
    for (word, cue) in cues {
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
        "pub(super) static PREFILTER: Prefilter = Prefilter {{ columns: Cow::Borrowed(&{:?}), \
         rows: Rows {{ classes: {}, states: Cow::Borrowed(&{:?}), falls: Cow::Borrowed(&{:?}), counts: Cow::Borrowed(&{:?}), \
         differing: Cow::Borrowed(&{:?}), next: Cow::Borrowed(&{:?}) }}, table: OnceLock::new(), \
         first_match: {}, output_starts: Cow::Borrowed(&{:?}), outputs: Cow::Borrowed(&{:?}), lengths: Cow::Borrowed(&{:?}), longest: {} }};\n\
         pub(super) static TRIGGER_STARTS: &[u32] = &{starts:?};\n\
         pub(super) static TRIGGERS: &[Trigger] = &[{}];\n",
        filter.columns,
        filter.rows.classes,
        filter.rows.states,
        filter.rows.falls,
        filter.rows.counts,
        filter.rows.differing,
        filter.rows.next,
        filter.first_match,
        filter.output_starts,
        filter.outputs,
        filter.lengths,
        filter.longest,
        triggers.join(", "),
    )
    .expect("a string takes any text");
}
