//! What the templates of a Helm chart do with a value that is empty.

use crate::migrate::outline::Outline;
use crate::migrate::repo::Repo;

/// What happens in a chart where a value is empty; what is worse for people comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Empty {
    /// Nothing: no template takes it.
    Unused,
    /// Helm stops: every template that takes it has it `required`.
    Stops,
    /// A template takes it as it is, or nobody can say.
    Taken,
}

/// The templates of one chart.
pub(super) struct Templates {
    /// Every template, and the values that may be templates themselves; `None` if not all of them are known.
    texts: Option<Vec<String>>,
}

impl Templates {
    /// Those of the chart in a folder, which is empty or ends in `/`.
    pub(super) fn read(repo: &Repo, chart: &str) -> Self {
        let at = |name: &str| format!("{chart}{name}");
        // Other charts may take the values too, and their templates stand elsewhere.
        let has_others = repo.exists(&at("charts")) || repo.exists(&at("requirements.yaml"));
        let about = repo.read(&at("Chart.yaml")).and_then(|bytes| String::from_utf8(bytes).ok());
        let is_alone = about.is_some_and(|text| Outline::with_flow(&text).key(0, &["dependencies"]).is_none());
        if has_others || !is_alone {
            return Self { texts: None };
        }
        let templates = if repo.exists(&at("templates")) { repo.below(&at("templates/")) } else { Some(Vec::new()) };
        let values = repo.beside(chart, &[".yaml", ".yml"]);
        Self { texts: templates.map(|found| found.into_iter().chain(values).map(|(_, text)| text).collect()) }
    }

    /// What happens when the value of these keys is empty.
    pub(super) fn when_empty(&self, keys: &[&str]) -> Empty {
        let Some(texts) = &self.texts else { return Empty::Taken };
        let uses = texts.iter().flat_map(|text| actions(text)).map(|action| in_action(action, keys));
        uses.max().unwrap_or(Empty::Unused)
    }
}

/// What stands between `{{` and `}}`.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).map(|rest| rest.split_once("}}").map_or(rest, |(action, _)| action)).filter(|action| !is_comment(action))
}

fn is_comment(action: &str) -> bool {
    action.trim_start_matches('-').trim_start().starts_with("/*")
}

/// What one action does.
fn in_action(action: &str, keys: &[&str]) -> Empty {
    // All files of the chart, or all there is, whatever it is called.
    if [".Files", "toYaml $", "toJson $", "\"Values\""].iter().any(|word| action.contains(word)) {
        return Empty::Taken;
    }
    let mut all = Empty::Unused;
    for (at, _) in action.match_indices(".Values") {
        let rest = &action[at + ".Values".len()..];
        let end = rest.find(|c: char| !(c == '.' || c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
        let path: Vec<&str> = rest[..end].split('.').skip(1).collect();
        if path.iter().zip(keys).any(|(taken, key)| taken != key) {
            continue;
        }
        // Less than the whole path: something around the value is taken, the value with it.
        let is_required = path.len() == keys.len() && (demands(&action[..at]) || is_demanded(&rest[end..]));
        match is_required {
            true => all = Empty::Stops,
            false => return Empty::Taken,
        }
    }
    all
}

/// Whether what stands before a value is `required "message"`.
fn demands(before: &str) -> bool {
    // `$.Values` and `$root.Values`.
    let before = before.trim_end_matches(|c: char| c == '$' || c == '_' || c.is_alphanumeric());
    let Some(text) = before.trim_end().strip_suffix(['"', '`']) else { return false };
    let Some(open) = text.rfind(['"', '`']).filter(|&open| before.len() > before.trim_end().len() && open > 0) else { return false };
    let word = text[..open].trim_end().strip_suffix("required");
    word.is_some_and(|before| !before.ends_with(|c: char| c == '_' || c.is_alphanumeric())) && !text[open..].contains('\\')
}

/// Whether what stands behind a value is `| required "message"`.
fn is_demanded(behind: &str) -> bool {
    let word = behind.trim_start().strip_prefix('|').map(str::trim_start).and_then(|rest| rest.strip_prefix("required"));
    word.is_some_and(|rest| rest.starts_with([' ', '\t', '"', '`']))
}

#[cfg(test)]
mod tests {
    use super::{Empty, Templates};

    fn when_empty(template: &str) -> Empty {
        Templates { texts: Some(vec![template.to_owned()]) }.when_empty(&["db", "password"])
    }

    #[test]
    fn a_value_that_no_template_takes_is_unused() {
        for template in [
            "",
            "db.password",
            "{{ .Values.db.host }}",
            "{{ .Values.db.passwordFile }}{{ .Values.database }}",
            "{{/* .Values.db.password */}}",
            "{{- /* .Values */ -}}",
        ] {
            assert_eq!(when_empty(template), Empty::Unused, "{template}");
        }
    }

    #[test]
    fn a_value_that_is_required_stops() {
        for template in [
            "{{ required \"a password\" .Values.db.password | quote }}",
            "{{ (required \"a password\" $.Values.db.password) | b64enc }}",
            "{{ .Values.db.password | required \"a password\" | quote }}",
            "{{- required `a password`  $root.Values.db.password }}",
        ] {
            assert_eq!(when_empty(template), Empty::Stops, "{template}");
        }
    }

    #[test]
    fn a_value_that_may_be_taken_is_taken() {
        for template in [
            "{{ .Values.db.password }}",
            "{{ .Values.db.password | default \"x\" | required \"a password\" }}",
            "{{ required \"a password\" .Values.db.host }}{{ .Values.db.password }}",
            "{{ required \"a password\" .Values.db }}",
            "{{ printf \"not required\" .Values.db.password }}",
            "{{ printf \"required\" .Values.db.password }}",
            "{{ with .Values.db }}{{ .password }}{{ end }}",
            "{{ index .Values \"db\" \"password\" }}",
            "{{ $v := .Values }}{{ $v.db.password }}",
            "{{ .Values | toYaml }}",
            "{{ get . \"Values\" }}",
            "{{ (.Files.Glob \"*.yaml\").AsConfig }}",
            "{{ toYaml $ }}",
            "{{ .Values.db.password",
        ] {
            assert_eq!(when_empty(template), Empty::Taken, "{template}");
        }
        assert_eq!(Templates { texts: None }.when_empty(&["db"]), Empty::Taken);
    }
}
