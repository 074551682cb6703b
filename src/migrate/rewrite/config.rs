//! Configuration of programs, and whatever no other rewriter takes. Where the program reads variables of the
//! environment itself, the value becomes one; elsewhere a `ref+sops://` reference stands until the file is rendered.

use super::quote::{decoded, exec_env, unescaped};
use super::{Rewriter, compose_secret, dotenv, is_in_comment, of_comment, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::outline::Outline;
use crate::migrate::plan::{Action, Shape};
use crate::migrate::repo::Repo;
use crate::migrate::yaml::is_yaml;
use crate::text::shell_word;

/// The last resort.
pub(super) struct Config;

/// Why a value stays.
const UNREADABLE: &str = "the value is written in a way that sopup does not edit";

/// Programs that read variables of the environment in their configuration, mostly as `${NAME}`.
fn reads_environment(file: &SourceFile) -> Option<&'static str> {
    let name = file.name();
    let says = |words: &[&str]| file.text().is_some_and(|text| words.iter().all(|word| text.contains(word)));
    let is_yaml = || is_yaml(&file.path);
    let spring = ["application", "bootstrap"].iter().any(|stem| name.starts_with(stem)) && (name.ends_with(".properties") || is_yaml());
    match name {
        ".npmrc" => Some("npm"),
        ".yarnrc.yml" => Some("yarn"),
        "pom.xml" => Some("Maven"),
        "settings.xml" if says(&["<servers>"]) => Some("Maven"),
        "kibana.yml" => Some("Kibana"),
        "elasticsearch.yml" => Some("Elasticsearch"),
        "logstash.yml" => Some("Logstash"),
        _ if name.ends_with(".conf") && says(&["input {", "output {"]) => Some("Logstash"),
        _ if BEATS.iter().any(|beat| name.starts_with(beat)) && is_yaml() => Some("Beats"),
        "telegraf.conf" => Some("Telegraf"),
        "grafana.ini" => Some("Grafana"),
        _ if is_yaml() && file.folder().contains("provisioning/") && says(&["apiVersion: 1", "datasources:"]) => Some("Grafana"),
        _ if spring && says(&["quarkus"]) => Some("Quarkus"),
        _ if spring && says(&["micronaut"]) => Some("Micronaut"),
        _ if spring => Some("Spring"),
        _ => None,
    }
}

/// What ships logs and metrics to Elasticsearch, as its configuration is called.
const BEATS: [&str; 5] = ["auditbeat", "filebeat", "heartbeat", "metricbeat", "packetbeat"];

/// How a program reads a variable of the environment.
fn variable_of(program: &str, file: &SourceFile, name: &str) -> String {
    match program {
        "Maven" => format!("${{env.{name}}}"),
        "Grafana" if file.name().ends_with(".ini") => format!("$__env{{{name}}}"),
        _ => format!("${{{name}}}"),
    }
}

impl Rewriter for Config {
    fn id(&self) -> &'static str {
        "config"
    }

    fn takes(&self, _: &SourceFile) -> bool {
        true
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        if let [site] = sites
            && compose_secret::rewrite("compose-secret", file, site, draft)
        {
            return;
        }
        for &site in sites {
            match (file.text(), reads_environment(file)) {
                (Some(text), Some(program)) => self.variable(file, text, site, program, draft),
                (text, _) => self.reference(file, text.unwrap_or(""), site, draft),
            }
        }
    }
}

impl Config {
    fn variable(&self, file: &SourceFile, text: &str, site: &Site, program: &str, draft: &mut Draft<'_>) {
        let named = key_path(file, text, site).or_else(|| {
            let assigned = words::assigned(text, site.span).filter(|name| !name.contains("password="));
            assigned.map(|name| name.trim_start_matches('_').to_owned())
        });
        let is_login = named.as_deref().is_some_and(|key| is_login_elsewhere(key, text)) && !has_druid(file, text, draft.repo);
        let named = named.unwrap_or_else(|| words::name(text, site));
        let name = if program == "Maven" { naming::variable(&named) } else { words::variable(&named, file) };
        let stem = naming::slug(file.name().trim_start_matches('.').split('.').next().unwrap_or("config"));
        let name = if program == "Maven" && name == "PASSWORD" { "MAVEN_PASSWORD".to_owned() } else { name };
        let store = draft.store(&format!("{}{stem}", file.folder()), ".sops.env", &Shape::Keys, &file.path);
        let Some(value) = decoded(file, site) else {
            return draft.manual(self.id(), file, &[site], UNREADABLE);
        };
        let id = draft.put(store, &[&name], &value);
        let path = draft.path_of(store).to_owned();
        let key = super::container::key_of(id, draft);
        let text = variable_of(program, file, &key);
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text }];
        actions.extend(dotenv::companions(draft, store));
        let run = exec_env(&path, "COMMAND");
        let verdict = match program {
            "Spring" if is_login => {
                Verdict::safe(format!("Spring reads it from the environment: `{run}`; without it the server refuses the login"))
            }
            // What is bound to a class may keep `${NAME}` itself, and some pools try to log in with it for ever.
            "Spring" | "Maven" => Verdict::review(format!(
                "{program} reads it from the environment, which `{run}` sets; without that, `${{…}}` itself may be the value"
            )),
            "npm" | "yarn" => Verdict::safe(format!("{program} reads it from the environment: `{run}`")),
            _ => Verdict::review(format!("{program} reads it from its environment, which `{run}` sets where it runs without a container")),
        };
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }

    /// `ref+sops://…` in the place of a value.
    pub(super) fn reference(&self, file: &SourceFile, text: &str, site: &Site, draft: &mut Draft<'_>) {
        let quoted = text[..site.span.start.min(text.len())].ends_with('"') && file.scalars().around(site.span).is_none();
        let value = if quoted { text.get(site.span.range()).and_then(unescaped) } else { decoded(file, site) };
        let Some(value) = value else {
            return draft.manual(self.id(), file, &[site], UNREADABLE);
        };
        let name = if text.is_empty() { words::by_rule(site) } else { words::name(text, site) };
        let id = draft.shared(file, &[&words::of_file(file), &name], &value);
        let end = if is_whole(text, site) { "" } else { "+" };
        let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text: format!("{}{end}", draft.uri(id)) }];
        let path = shell_word(&file.path);
        let reason = match is_resource(file, text) {
            true => format!(
                "whatever applies it takes the reference for the value: apply what `sopup render {path}` prints, or take it from a Secret"
            ),
            false => format!("the program that reads it needs the value: give it the output of `sopup render {path}` (or of `vals eval`)"),
        };
        let verdict = if is_in_comment(file, site) { of_comment(file, site) } else { Verdict::review(reason) };
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}

/// Whether a setting of Spring is for a login at a server, which refuses `${NAME}` itself. Databases inside of the program take
/// any password, and what guards the program itself would be guarded by that text.
fn is_login_elsewhere(key: &str, text: &str) -> bool {
    // `spring.datasource.druid.stat-view-servlet.login-password` guards a page of the program.
    let own = key.split('.').any(|part| part.contains("servlet") || part.contains("login-") || part.contains("console"));
    let embedded = ["jdbc:h2:", "jdbc:hsqldb:", "jdbc:derby:"].iter().any(|kind| text.contains(kind));
    // Others take keys, for which some services answer as if there was none.
    const LOGINS: [&str; 7] =
        ["spring.datasource.", "spring.redis.", "spring.data.", "spring.rabbitmq.", "spring.r2dbc.", "spring.flyway.", "spring.mail."];
    LOGINS.iter().any(|section| key.starts_with(section)) && !own && !embedded
}

/// Whether a project of Java has Druid, which tries to log in with whatever it is given, for ever.
fn has_druid(file: &SourceFile, text: &str, repo: &Repo) -> bool {
    let project = file.folder().split("src/main/").next().unwrap_or_default();
    let names = |build: &str| repo.read(&format!("{project}{build}")).is_some_and(|bytes| memchr::memmem::find(&bytes, b"druid").is_some());
    text.contains("druid") || ["pom.xml", "build.gradle", "build.gradle.kts"].into_iter().any(names)
}

/// The keys that lead to a value of YAML, as in `spring.datasource.password`, which is what the value is called in other notations;
/// for a part of a value, with what the part is.
fn key_path(file: &SourceFile, text: &str, site: &Site) -> Option<String> {
    if !is_yaml(&file.path) {
        return None;
    }
    let outline = Outline::with_flow(text);
    let item = outline.holding(site.span)?;
    let keys = item.keys()?.join(".");
    let is_part = item.value.len() > site.span.len() + 2;
    Some(if is_part { format!("{keys}.{}", words::kind(site)) } else { keys })
}

/// Whether a text is a resource of Kubernetes, or a patch of one.
fn is_resource(file: &SourceFile, text: &str) -> bool {
    is_yaml(&file.path) && {
        let outline = Outline::new(text);
        outline.key(0, &["apiVersion"]).is_some() && outline.key(0, &["kind"]).is_some()
            || text.contains("op: replace")
            || text.contains("op: add")
    }
}

/// Whether nothing follows the value that could be taken for part of the reference.
fn is_whole(text: &str, site: &Site) -> bool {
    let after = text.get(site.span.end..).and_then(|rest| rest.chars().next());
    after.is_none_or(|c| c.is_whitespace() || c == '"' || c == '\'')
}
