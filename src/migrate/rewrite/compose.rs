//! Compose files: the value gives way to a variable that must be set; `sops exec-env` sets it.

use super::quote::{decoded, run_with, told};
use super::{Anchors, Rewriter, dotenv, is_in_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, folder_of};
use crate::migrate::naming;
use crate::migrate::outline::{Outline, Part};
use crate::migrate::plan::{Action, Shape};
use crate::migrate::yaml::is_yaml;
use crate::secret::Secret;
use crate::text::{Span, shell_word};

/// `docker-compose.yml`, `compose.yaml` and their overrides.
pub(super) struct Compose;

/// Whether a text has services that are run from images.
fn is_compose(name: &str, text: &str) -> bool {
    if !text.contains("services:") {
        return false;
    }
    let outline = Outline::new(text);
    let named = name.starts_with("docker-compose") || name.starts_with("compose");
    let runs = |path: &[Part]| matches!(path, [Part::Key(top), Part::Key(_), Part::Key(key)] if top == "services" && matches!(key.as_str(), "image" | "build"));
    let other = ["kind", "apiVersion", "pipeline", "jobs"].iter().any(|key| outline.key(0, &[key]).is_some());
    outline.key(0, &["services"]).is_some() && (named || !other && outline.items().iter().any(|item| runs(&item.path)))
}

impl Rewriter for Compose {
    fn id(&self) -> &'static str {
        "compose"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        is_yaml(file.name()) && file.text().is_some_and(|text| is_compose(file.name(), text))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        let beside = draft.repo.beside(file.folder(), &[".env"]);
        let store = draft.store(&store_of(&file.path), ".sops.env", &Shape::Keys, "environment");
        for &site in sites {
            let item = outline.holding(site.span).filter(|_| !is_in_comment(file, site));
            let Some(value) = decoded(file, site).and_then(|value| dollars(&value)) else { continue };
            let service = match item.and_then(|item| item.path.get(1)) {
                Some(Part::Key(service)) => service.as_str(),
                _ => "",
            };
            // In comments only what could be a setting is one.
            let is_variable = |name: &str| !name.bytes().any(|byte| byte.is_ascii_lowercase());
            if item.is_none() && !words::assigned(text, site.span).is_some_and(is_variable) {
                continue;
            }
            let default = default_of(text, site.span);
            if default.is_some_and(|(name, _)| has_other_default(text, name, &text[site.span.range()])) {
                draft.manual(self.id(), file, &[site], TWO_DEFAULTS);
                continue;
            }
            let wanted = match default {
                Some((name, _)) => name.to_owned(),
                None => {
                    let name = naming::variable(&variable(text, site, service));
                    let whose = if service.is_empty() { words::of_file(file) } else { service.to_owned() };
                    let free = |name: &String| !is_used(name, text, &beside) && draft.fits(store, &[name], &value);
                    naming::variables(&name, &whose).skip(usize::from(words::is_generic(&name))).find(free).unwrap_or(name)
                }
            };
            let same =
                draft.same_in(store, &value).filter(|id| default.is_none() && !is_of_other(&super::container::key_of(*id, draft), &wanted));
            let id = same.unwrap_or_else(|| draft.put(store, &[&wanted], &value));
            let name = super::container::key_of(id, draft);
            // Another file of the store has another default for the variable.
            if default.is_some() && name != wanted {
                draft.manual(self.id(), file, &[site], TWO_DEFAULTS);
                continue;
            }
            let path = draft.path_of(store);
            // No colon followed by a blank: it would end a plain YAML scalar.
            let text = format!("${{{name}:?{}}}", told(path));
            let span = default.map_or(site.span, |(_, span)| span);
            let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
            let run = run_with(file, path, &up(&file.path));
            let verdict = match default {
                _ if item.is_none() => Verdict::safe(format!("only a comment has it; where it is used, start with `{run}`")),
                // The store would win over the file.
                Some((name, _)) if is_used(name, "", &beside) => {
                    Verdict::review(format!("a file beside sets {name}, which `{run}` would win over"))
                }
                Some((name, _)) => {
                    Verdict::safe(format!("where {name} is not set, start with `{run}`; without it compose stops and says so"))
                }
                None => Verdict::safe(format!("started with `{run}`; without it compose stops and says so")),
            };
            actions.extend(dotenv::companions(draft, store));
            draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
        }
    }
}

/// The SOPS file of a compose file, without its suffix.
pub(super) fn store_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("{}{}", folder_of(path), naming::stage(name).unwrap_or("compose"))
}

/// What starts the services of a file, from the top of the repository, in one word.
pub(super) fn up(path: &str) -> String {
    // What overrides stands beside what it overrides, which compose finds at the top with it.
    let base = path.replace(".override.", ".");
    if base != path {
        let both = format!("docker compose -f {} -f {} up", shell_word(&base), shell_word(path));
        return shell_word(&if path.contains('/') { both } else { "docker compose up".to_owned() });
    }
    let found = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"].contains(&path);
    shell_word(&if found { "docker compose up".to_owned() } else { format!("docker compose -f {} up", shell_word(path)) })
}

/// Whether two variables are of different databases or brokers, of which one is not to get what is set for the other.
fn is_of_other(one: &str, other: &str) -> bool {
    const PRODUCTS: [&[&str]; 9] = [
        &["MYSQL", "MARIADB"],
        &["POSTGRES", "POSTGRESQL", "PG", "PGSQL"],
        &["MSSQL", "SA"],
        &["ORACLE"],
        &["MONGO", "MONGODB"],
        &["REDIS"],
        &["RABBITMQ", "AMQP"],
        &["MINIO"],
        &["ELASTIC", "ELASTICSEARCH", "OPENSEARCH"],
    ];
    let product = |name: &str| PRODUCTS.iter().position(|names| name.split('_').any(|word| names.contains(&word)));
    matches!((product(one), product(other)), (Some(one), Some(other)) if one != other)
}

fn variable(text: &str, site: &Site, service: &str) -> String {
    match words::assigned(text, site.span) {
        Some(name) if name != "command" && name != "entrypoint" => name.to_owned(),
        _ => format!("{service}_{}", words::name(text, site)),
    }
}

/// The variable whose default a place is, and all of the expansion: `${NAME:-VALUE}`.
pub(super) fn default_of(text: &str, span: Span) -> Option<(&str, Span)> {
    let quoted = |quote: char| text[..span.start].ends_with(quote) && text[span.end..].starts_with(quote);
    // `NAME=${OTHER:-"VALUE"}`
    let mark = usize::from(quoted('"'));
    let (before, end) = (&text[..span.start - mark], span.end + mark);
    let before = before.strip_suffix('-')?;
    let before = before.strip_suffix(':').unwrap_or(before);
    let start = words::start_behind(before, |c| !(c.is_ascii_alphanumeric() || c == '_'));
    let name = &before[start..];
    let open = before[..start].strip_suffix("${")?.len();
    // `$${NAME:-VALUE}` is for the shell of the container.
    if text[..open].ends_with('$') {
        return None;
    }
    let named = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    let free = mark == 0 || text[..open].ends_with('=');
    (named && free && text[end..].starts_with('}')).then(|| (name, Span::new(open, end + 1)))
}

/// Whether a text has another default for a variable: one value cannot take the place of both.
pub(super) fn has_other_default(text: &str, name: &str, value: &str) -> bool {
    let open = format!("${{{name}");
    let defaults = text.match_indices(&open).filter_map(|(at, _)| {
        let rest = &text[at + open.len()..];
        let rest = rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).or_else(|| rest.strip_prefix(":="))?;
        rest.split('}').next()
    });
    defaults.into_iter().any(|default| default.trim_matches('"') != value)
}

/// Why a value stays.
pub(super) const TWO_DEFAULTS: &str = "the variable has another default elsewhere: give both places variables of their own first";

/// Whether a file uses a variable, or compose finds it in a file beside.
pub(super) fn is_used(name: &str, text: &str, beside: &[(String, String)]) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let uses = |mark: String| text.match_indices(&mark).any(|(at, _)| !text[at + mark.len()..].starts_with(is_word));
    let sets = |text: &str| text.lines().any(|line| line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
    uses(format!("${{{name}")) || uses(format!("${name}")) || beside.iter().any(|(_, text)| sets(text))
}

/// In compose files `$$` stands for `$`. A single one would start a variable.
fn dollars(value: &Secret) -> Option<Secret> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    (!text.replace("$$", "").contains('$')).then(|| Secret::new(text.replace("$$", "$").into_bytes()))
}
