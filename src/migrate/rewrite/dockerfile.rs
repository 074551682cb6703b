//! Dockerfiles: what is built into an image can be read by whoever pulls it. A variable is set when the container starts,
//! an argument when the image is built.

use super::quote::{exec_env, unescaped};
use super::{Rewriter, dotenv, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;

/// `Dockerfile`, `Dockerfile.dev`, `dev.Dockerfile`, `Containerfile`.
pub(super) struct Dockerfile;

const BY_HAND: &str = "what is built into an image can be read there: pass it with `RUN --mount=type=secret`, or when the container starts";

impl Rewriter for Dockerfile {
    fn id(&self) -> &'static str {
        "dockerfile"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let name = file.name().to_ascii_lowercase();
        let named = |kind: &str| name == kind || name.starts_with(&format!("{kind}.")) || name.ends_with(&format!(".{kind}"));
        file.text().is_some() && (named("dockerfile") || named("containerfile"))
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        for &site in sites {
            let line = file.line_at(site.span.start);
            let alone = sites.iter().filter(|other| file.line_at(other.span.start) == line).count() == 1;
            let continued = text[..line.start].trim_end_matches(['\r', '\n']).ends_with('\\');
            let setting = Setting::of(&text[line.range()]).filter(|_| alone && !continued);
            let Some(setting) = setting else {
                draft.manual(self.id(), file, &[site], BY_HAND);
                continue;
            };
            let store = draft.store(&format!("{}{}", file.folder(), words::of_file(file)), ".sops.env", &Shape::Keys, &file.path);
            // Built images read it by this name.
            if naming::variable(setting.name) != setting.name || !draft.fits(store, &[setting.name], &setting.value) {
                draft.manual(self.id(), file, &[site], BY_HAND);
                continue;
            }
            let id = draft.put(store, &[setting.name], &setting.value);
            let (path, name) = (draft.path_of(store), setting.name);
            let (text, reason) = if setting.is_argument {
                let how = format!(
                    "build with `{}`; images keep arguments of the build",
                    exec_env(path, &format!("'docker build --build-arg {name} …'"))
                );
                (format!("ARG {name}"), how)
            } else {
                let how = format!("start with `{}`", exec_env(path, &format!("'docker run --env {name} …'")));
                (format!("# {name}: set when the container starts, from {path}"), how)
            };
            let mut actions = vec![Action::Splice { file: file.path.clone(), span: line, text }];
            actions.extend(dotenv::companions(draft, store));
            draft.step(self.id(), file, &[site], Verdict::review(reason), actions, vec![id]);
        }
    }
}

/// `ENV NAME=value` or `ARG NAME=value`, alone on its line.
struct Setting<'l> {
    is_argument: bool,
    name: &'l str,
    value: Secret,
}

impl<'l> Setting<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let (keyword, rest) = line.trim().split_once(char::is_whitespace)?;
        let is_argument = keyword.eq_ignore_ascii_case("arg");
        if !is_argument && !keyword.eq_ignore_ascii_case("env") {
            return None;
        }
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
        let (name, value) = rest.split_at(end);
        let value = value.strip_prefix('=').or_else(|| value.strip_prefix(' ').filter(|_| !is_argument).map(str::trim_start))?;
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let single = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
        let value = match (unquoted, single) {
            (Some(value), _) if !value.contains('"') => unescaped(value)?,
            (_, Some(value)) if !value.contains('\'') => Secret::new(value.as_bytes().to_vec()),
            _ if value.contains(['"', '\'', '\\', '$', ' ', '\t']) => return None,
            _ => Secret::new(value.as_bytes().to_vec()),
        };
        Some(Self { is_argument, name, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_alone_on_their_lines() {
        let setting = |line| Setting::of(line).map(|setting| (setting.is_argument, setting.name, setting.value.expose().to_vec()));
        assert_eq!(setting("ENV A=b"), Some((false, "A", b"b".to_vec())));
        assert_eq!(setting("  env A \"b c\""), Some((false, "A", b"b c".to_vec())));
        assert_eq!(setting("ARG A='b'"), Some((true, "A", b"b".to_vec())));
        for line in ["ENV A=b C=d", "ENV A=b \\", "RUN A=b", "ARG A", "ENV A=$B"] {
            assert_eq!(setting(line), None, "{line}");
        }
    }
}
