//! Ansible variables in YAML: the value is looked up with the collection community.sops.

use super::{Rewriter, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::outline::{Outline, Part, Spelling};
use crate::migrate::plan::Action;
use crate::migrate::yaml::is_yaml;

/// Playbooks, lists of tasks, and YAML below `group_vars`, `host_vars`, `ansible`, `playbooks` or `roles`.
pub(super) struct Ansible;

/// Why a value stays.
const PART: &str = "a part of a longer value, which no lookup can give: make it a variable of its own, then migrate again";

/// What plays and tasks have that other lists of maps do not.
const OF_TASKS: [&str; 10] =
    ["hosts", "tasks", "import_playbook", "import_tasks", "include_tasks", "notify", "register", "become", "with_items", "when"];

/// Whether a text is a list of plays or tasks.
fn is_playbook(text: &str) -> bool {
    let listed = text.lines().any(|line| line.starts_with("- ") || line.trim_end() == "-");
    let of_task = |path: &[Part]| matches!(path, [Part::Index(_), Part::Key(key)] if OF_TASKS.contains(&key.as_str()));
    listed && Outline::new(text).items().iter().any(|item| of_task(&item.path))
}

impl Rewriter for Ansible {
    fn id(&self) -> &'static str {
        "ansible"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        // Files of variables need no extension.
        let of_variables = || !file.name().contains('.') && file.folder().split('/').any(|part| matches!(part, "group_vars" | "host_vars"));
        let yaml = is_yaml(&file.path) || of_variables();
        let folders = ["group_vars", "host_vars", "ansible", "playbooks", "roles"];
        let below = || file.folder().split('/').any(|part| folders.contains(&part));
        yaml && file.text().is_some_and(|text| below() || is_playbook(text))
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        for &site in sites {
            let Some(item) = outline.holding(site.span) else { continue };
            let whole =
                item.value.len() <= site.span.len() + 2 && matches!(item.spelling, Spelling::Plain | Spelling::Single | Spelling::Double);
            let Some(value) = outline.scalar(item).filter(|_| whole) else {
                draft.manual(self.id(), file, &[site], PART);
                continue;
            };
            let id = draft.shared(file, &["ansible", &words::name(text, site)], &crate::secret::Secret::new(value.into_bytes()));
            let (store, path) = (draft.plan.entry(id).0, draft.extract(id).replace('"', "\\\""));
            let folder = folder_of_plays(file);
            let from = match folder.split('/').filter(|part| !part.is_empty()).count() {
                0 => format!("'{}'", store.path),
                depth => format!("playbook_dir ~ '/{}{}'", "../".repeat(depth), store.path),
            };
            let text = format!("\"{{{{ lookup('community.sops.sops', {from}, extract='{path}') }}}}\"");
            let actions = vec![Action::Splice { file: file.path.clone(), span: item.value, text }];
            let place =
                if folder.is_empty() { "at the top of the repository".to_owned() } else { format!("in {}", folder.trim_end_matches('/')) };
            let reason = format!("looked up with the collection community.sops 1.9 or newer, by playbooks {place}");
            draft.step(self.id(), file, &[site], Verdict::review(reason), actions, vec![id]);
        }
    }
}

/// The folder of the playbooks that use a file: its own, or the one that its role or its variables lie in.
fn folder_of_plays(file: &SourceFile) -> &str {
    const PARTS: [&str; 8] = ["roles", "group_vars", "host_vars", "tasks", "handlers", "vars", "defaults", "inventory"];
    let folder = file.folder();
    let mut start = 0;
    for part in folder.split_inclusive('/') {
        if PARTS.contains(&part.trim_end_matches('/')) {
            return &folder[..start];
        }
        start += part.len();
    }
    folder
}
