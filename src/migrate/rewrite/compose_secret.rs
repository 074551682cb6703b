//! Files that secrets of compose files are made of: compose takes the secret from a variable instead, swarm from what was made of
//! it before.

use super::compose::{is_used, store_of, up};
use super::container::key_of;
use super::dotenv;
use super::quote::exec_env;
use super::words;
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, folder_of};
use crate::migrate::manifests::{SecretFile, resolve};
use crate::migrate::naming;
use crate::migrate::outline::{Outline, Part};
use crate::migrate::plan::{Action, Shape};
use crate::text::{Span, shell_word};

/// A secret of a compose file, and what stands in the file.
struct Use<'r> {
    path: &'r str,
    text: &'r str,
    secret: &'r SecretFile,
}

/// Plans the value of a file that is a secret of compose files and nothing else; whether it is one.
pub(super) fn rewrite(id: &'static str, file: &SourceFile, site: &Site, draft: &mut Draft<'_>) -> bool {
    let repo = draft.repo;
    let found = repo.manifests().with_secret_file(&file.path);
    let uses: Vec<Use<'_>> = found.map(|(path, text, secret)| Use { path, text, secret }).collect();
    let rest = |span: Span| file.bytes[span.range()].iter().all(u8::is_ascii_whitespace);
    let whole = rest(Span::new(0, site.span.start)) && rest(Span::new(site.span.end, file.bytes.len()));
    let Some(first) = uses.first().filter(|_| whole) else { return false };
    let store = draft.store(&store_of(first.path), ".sops.env", &Shape::Keys, "environment");
    let value = site.value();
    let name = naming::variable(&first.secret.name);
    let free = |name: &String| !is_used(name, first.text, &[]) && draft.fits(store, &[name], &value);
    let name = [name.clone(), format!("{name}_SECRET")].into_iter().find(free).unwrap_or(name);
    let entry = draft.put(store, &[&name], &value);
    let (name, path) = (key_of(entry, draft), draft.path_of(store).to_owned());
    let swarm = uses.iter().any(|one| is_for_swarm(one.text));
    let source = if swarm { "external: true".to_owned() } else { format!("environment: {name}") };
    let mut actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text: draft.uri(entry) }];
    for Use { path, secret, .. } in &uses {
        actions.push(Action::Splice { file: (*path).to_owned(), span: secret.span, text: source.clone() });
    }
    actions.extend(dotenv::companions(draft, store));
    let how = if swarm {
        let made = format!("{} | docker secret create {} -", draft.command(entry), shell_word(&first.secret.name));
        format!("made once with `{made}`; without it `docker stack deploy` stops and says so")
    } else {
        format!(
            "{} takes it from {name}: start with `{}`; without it compose stops and says so",
            first.path,
            exec_env(&path, &up(first.path))
        )
    };
    let doubt = doubt(file, site, &uses, draft);
    draft.step(id, file, &[site], Verdict::safe(how), actions, vec![entry]);
    if let (Some(why), Some(step)) = (doubt, draft.plan.steps.last_mut()) {
        step.doubt(&why);
    }
    true
}

/// Why somebody should look at it.
fn doubt(file: &SourceFile, site: &Site, uses: &[Use<'_>], draft: &Draft<'_>) -> Option<String> {
    let (manifests, scripts) = (draft.repo.manifests(), draft.repo.scripts());
    let of_compose = |path: &str| uses.iter().filter(|one| one.path == path).count();
    let elsewhere = manifests.iter().find(|(path, text)| times_named(&file.path, path, text) > of_compose(path));
    if let Some((path, _)) = elsewhere {
        return Some(format!("{path} names the file for something else, too"));
    }
    if let Some(image) = scripts.image_with(&file.path) {
        return Some(format!("{image} copies the file into an image"));
    }
    if let Some((script, way)) = uses.iter().find_map(|one| scripts.calling_compose(folder_of(one.path))) {
        return Some(format!("{script} {way}"));
    }
    (site.span.end < file.bytes.len()).then(|| "the file ends with a line break, which the secret no longer does".to_owned())
}

/// How often a text at a path names a file: from the folder of the path, or from the top.
fn times_named(file: &str, path: &str, text: &str) -> usize {
    let name = file.rsplit('/').next().unwrap_or(file);
    let part = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    let is_it = |(at, _): &(usize, &str)| {
        let word = &text[words::start_behind(&text[..*at], |c| !part(c))..at + name.len()];
        // `secrets:` names many things.
        let plain = word == name && !name.contains('.');
        let told = word == file || resolve(path, word) == file || word.starts_with('/') && file.ends_with(word);
        !plain && told && !text[at + name.len()..].starts_with(part)
    };
    text.match_indices(name).filter(is_it).count()
}

/// Whether services say how a swarm runs them.
fn is_for_swarm(text: &str) -> bool {
    const OF_SWARM: [&str; 5] = ["placement", "mode", "update_config", "rollback_config", "endpoint_mode"];
    let deployed = |path: &[Part]| {
        matches!(path, [Part::Key(services), Part::Key(_), Part::Key(deploy), Part::Key(key)]
        if services == "services" && deploy == "deploy" && OF_SWARM.contains(&key.as_str()))
    };
    text.contains("deploy:") && Outline::new(text).items().iter().any(|item| deployed(&item.path))
}
