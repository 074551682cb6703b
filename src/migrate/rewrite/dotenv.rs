//! `.env` files and their examples: the value moves to a `*.sops.env` beside the file, which `sops exec-env` reads; a
//! placeholder stays.

use super::quote::exec_env;
use super::{Anchors, Rewriter, compose, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::rule::Kind;
use crate::secret::Secret;
use crate::text::Span;

/// `.env`, `.env.example`, `prod.env`.
pub(super) struct Dotenv;

/// What stays in the place of a value.
const PLACEHOLDER: &str = "changeme";
const EXAMPLES: [&str; 5] = ["example", "sample", "template", "tmpl", "dist"];

impl Rewriter for Dotenv {
    fn id(&self) -> &'static str {
        "dotenv"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let name = file.name();
        let parts: Vec<&str> = name.split('.').collect();
        let script = name.ends_with(".sh") || name == ".envrc";
        file.text().is_some()
            && !script
            && !name.ends_with(".sops.env")
            && (name.starts_with(".env") || parts.contains(&"env") && parts.len() > 1 || is_example_of_env(name))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        if let Some(kustomization) = draft.repo.manifests().generating(&file.path) {
            let reason = format!(
                "a generator in {kustomization} makes a Secret of it, which would hold a placeholder: encrypt the whole file where Flux decrypts what generators read, or make the Secret with ksops"
            );
            return draft.manual(self.id(), file, sites, &reason);
        }
        let variables = variables(text, file, sites);
        let service = draft.repo.manifests().with_env_file(&file.path).map(str::to_owned);
        let store = store_for(file, &variables, service.as_deref(), draft);
        let purpose = match &service {
            Some(compose) => Purpose::Containers(compose),
            None if is_example(file) => Purpose::Example,
            None => Purpose::Programs,
        };
        let loader = if matches!(purpose, Purpose::Example) { loader(file, draft) } else { None };
        let header = header(file, text, &purpose, draft.path_of(store));
        for variable in &variables {
            let id = draft.put(store, &[&variable.name], &variable.value);
            let mut actions: Vec<Action> = match (&purpose, variable.assignment) {
                (Purpose::Containers(_), Some(span)) => vec![Action::Splice { file: file.path.clone(), span, text: variable.name.clone() }],
                _ => {
                    let placeholder =
                        |site: &&Site| Action::Splice { file: file.path.clone(), span: site.span, text: PLACEHOLDER.to_owned() };
                    variable.sites.iter().map(placeholder).collect()
                }
            };
            actions.extend(header.clone());
            actions.extend(companions(draft, store));
            let doubt = match (&purpose, &loader) {
                (Purpose::Example, Some(loader)) => {
                    Some(format!("{loader} loads this example, and would take `{PLACEHOLDER}` for the value"))
                }
                (Purpose::Example, None) if !variable.sites.iter().all(|site| is_of_service(text, site)) => {
                    Some(format!("where the example is copied as it is, a service and its clients may agree on `{PLACEHOLDER}`"))
                }
                (Purpose::Example, None) if signs(&variable.name) => {
                    Some(format!("a program that gets a copy of this example signs or encrypts with `{PLACEHOLDER}`"))
                }
                _ => None,
            };
            let path = draft.path_of(store);
            let verdict = match doubt {
                Some(why) => Verdict::review(format!("{why}; `{}` has the real values", purpose.run(path))),
                None => purpose.verdict(path),
            };
            draft.step(self.id(), file, &variable.sites, verdict, actions, vec![id]);
        }
    }
}

/// The program beside an example, or in a folder for programs below, that loads it itself.
fn loader(file: &SourceFile, draft: &Draft<'_>) -> Option<String> {
    const FOLDERS: [&str; 6] = ["", "app/", "config/", "lib/", "server/", "src/"];
    const ENDS: [&str; 9] = [".js", ".mjs", ".cjs", ".ts", ".py", ".rb", ".go", ".php", "package.json"];
    let copies = |line: &str| ["cp ", "copy", "mv ", "rename"].iter().any(|word| line.to_ascii_lowercase().contains(word));
    let remark = |line: &str| ["#", "//", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
    let named = |line: &str| {
        line.match_indices(file.name()).any(|(at, name)| !line[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.'))
    };
    let loads = |line: &str| named(line) && !copies(line) && !remark(line);
    let mut texts = FOLDERS.iter().flat_map(|below| draft.repo.beside(&format!("{}{below}", file.folder()), &ENDS));
    texts.find(|(_, text)| text.lines().any(loads)).map(|(path, _)| path)
}

/// Whether a service elsewhere issued a value, or a server elsewhere checks it: they refuse the placeholder.
fn is_of_service(text: &str, site: &Site) -> bool {
    let issued = site.rule.kind == Kind::Token && !site.rule.id.starts_with("generic") && !site.rule.id.starts_with("weak");
    let host = text[site.span.end..].split(['\r', '\n']).next().unwrap_or_default().strip_prefix('@').unwrap_or_default();
    let host = host.split(['/', ':', '?', '"', '\'']).next().unwrap_or_default();
    let is_named = host.contains('.') && host.chars().any(|c| c.is_ascii_alphabetic()) && !host.ends_with(".local");
    issued || is_named
}

/// Whether a variable holds what a program itself signs or encrypts with: nobody refuses a placeholder in its place.
fn signs(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let says = ["JWT", "SALT", "SIGNING", "ENCRYPTION", "COOKIE", "SESSION"];
    name.split('_').any(|part| says.contains(&part))
        || name.starts_with("SECRET_KEY")
        || name.ends_with("SECRET_KEY_BASE")
        || matches!(name.as_str(), "SECRET" | "APP_KEY" | "APP_SECRET")
}

/// Who reads a file.
enum Purpose<'p> {
    /// People.
    Example,
    /// This compose file, for the environment of containers: a variable without `=` comes from the environment of compose.
    Containers(&'p str),
    /// Programs.
    Programs,
}

impl Purpose<'_> {
    fn run(&self, store: &str) -> String {
        match self {
            Self::Containers(compose) => exec_env(store, &compose::up(compose)),
            _ => exec_env(store, "COMMAND"),
        }
    }

    fn verdict(&self, store: &str) -> Verdict {
        let run = self.run(store);
        match self {
            Self::Example => Verdict::safe(format!("an example; `{run}` has the real values")),
            Self::Containers(_) => Verdict::review(format!("containers get it from `{run}`; without that it is not set")),
            Self::Programs => Verdict::review(format!("whatever loads this file would get `{PLACEHOLDER}`: run it with `{run}`")),
        }
    }
}

/// A line with secrets in it.
struct Variable<'s> {
    name: String,
    value: Secret,
    /// The line, if it is an assignment and nothing else.
    assignment: Option<Span>,
    sites: Vec<&'s Site>,
}

fn variables<'s>(text: &str, file: &SourceFile, sites: &[&'s Site]) -> Vec<Variable<'s>> {
    let mut variables: Vec<(Span, Variable<'s>)> = Vec::new();
    for &site in sites {
        let line = file.line_at(site.span.start);
        if let Some((_, last)) = variables.last_mut().filter(|(known, _)| *known == line) {
            last.sites.push(site);
            continue;
        }
        let raw = &text[line.range()];
        let variable = match raw.split_once('=') {
            Some((name, _)) if site.span.end > line.end => {
                Variable { name: key(name), value: site.secret.clone(), assignment: None, sites: vec![site] }
            }
            Some((name, value)) if !name.trim_start().starts_with('#') => {
                let plain = key(name).bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let assignment = plain.then_some(line);
                Variable { name: key(name), value: unquoted(value), assignment, sites: vec![site] }
            }
            _ => Variable {
                name: naming::variable(&words::name(text, site)),
                value: site.secret.clone(),
                assignment: None,
                sites: vec![site],
            },
        };
        variables.push((line, variable));
    }
    variables.into_iter().map(|(_, variable)| variable).collect()
}

fn key(name: &str) -> String {
    name.trim().strip_prefix("export ").unwrap_or(name).trim().to_owned()
}

/// The value as programs read it: without quotes, escapes in double quotes resolved, without a comment behind it.
fn unquoted(raw: &str) -> Secret {
    let raw = raw.trim();
    let value = match raw.as_bytes() {
        [b'"', ..] => closing(raw, '"').map(|inner| inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")),
        [b'\'', ..] => closing(raw, '\'').map(str::to_owned),
        _ => None,
    };
    let value = value.unwrap_or_else(|| raw.split(" #").next().unwrap_or(raw).trim_end().to_owned());
    Secret::new(value.into_bytes())
}

fn closing(raw: &str, quote: char) -> Option<&str> {
    let mut escaped = false;
    for (at, c) in raw.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(&raw[1..at]),
            _ => {}
        }
    }
    None
}

/// A store in which each variable can have its own name: that of the compose file for its containers, so that one command has all.
fn store_for(file: &SourceFile, variables: &[Variable<'_>], compose: Option<&str>, draft: &mut Draft<'_>) -> usize {
    let own = format!("{}{}", file.folder(), environment(file));
    let mut number = usize::from(compose.is_none());
    loop {
        let stem = match (number, compose) {
            (0, Some(compose)) => compose::store_of(compose),
            (0 | 1, _) => own.clone(),
            _ => format!("{own}-{number}"),
        };
        let store = draft.store(&stem, ".sops.env", &Shape::Keys, "environment");
        let fits = variables.iter().enumerate().all(|(at, variable)| {
            let twice = variables[..at].iter().any(|known| known.name == variable.name && known.value != variable.value);
            twice || draft.fits(store, &[&variable.name], &variable.value)
        });
        if fits {
            return store;
        }
        number += 1;
    }
}

/// The environment that a file is for: `.env.staging.example` is for `staging`.
fn environment(file: &SourceFile) -> String {
    let parts = file.name().trim_start_matches('.').split('.').filter(|part| *part != "env" && !part.is_empty());
    let named: Vec<&str> = parts.filter(|part| !EXAMPLES.contains(part)).collect();
    if let Some(stage) = naming::stage(&named.join(".")) {
        return stage.to_owned();
    }
    if !named.is_empty() {
        return named.join("-");
    }
    let stage = naming::stage(file.folder());
    stage.unwrap_or(if is_example(file) { "dev" } else { "local" }).to_owned()
}

/// `env-example`, `env_sample_mysql`: what is copied to `.env`.
fn is_example_of_env(name: &str) -> bool {
    let mut parts = name.split(['-', '_']);
    parts.next() == Some("env") && parts.any(|part| EXAMPLES.contains(&part)) && !name.contains('.')
}

fn is_example(file: &SourceFile) -> bool {
    file.name().split(['.', '-', '_']).any(|part| EXAMPLES.contains(&part))
}

/// A line at the top that says where the values are.
fn header(file: &SourceFile, text: &str, purpose: &Purpose<'_>, store: &str) -> Option<Action> {
    let missing = match purpose {
        Purpose::Containers(_) => "that are not set here".to_owned(),
        _ => format!("that read `{PLACEHOLDER}`"),
    };
    let line = format!("# Values {missing} are in {store}: {}", purpose.run(store));
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let known = text.lines().any(|known| known == line);
    let action = Action::Splice { file: file.path.clone(), span: Span::new(start, start), text: format!("{line}{}", file.line_end()) };
    (!known).then_some(action)
}

/// What git needs to keep a `*.sops.env` readable: line ends as they are, and not to ignore it.
pub(super) fn companions(draft: &Draft<'_>, store: usize) -> Vec<Action> {
    let path = draft.path_of(store);
    let mut actions = vec![Action::Append { file: ".gitattributes".to_owned(), line: "*.sops.env text eol=lf".to_owned() }];
    if draft.repo.is_ignored(path) {
        actions.push(Action::Append { file: ".gitignore".to_owned(), line: "!*.sops.env".to_owned() });
    }
    actions
}
