//! Ansible variables in YAML: the value is looked up with the collection community.sops.

use super::{Rewriter, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::outline::{Outline, Spelling};
use crate::migrate::plan::Action;
use crate::migrate::yaml::is_yaml;

/// YAML below `group_vars`, `host_vars`, `ansible`, `playbooks` or `roles`.
pub(super) struct Ansible;

impl Rewriter for Ansible {
    fn id(&self) -> &'static str {
        "ansible"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let yaml = is_yaml(&file.path);
        let folders = ["group_vars", "host_vars", "ansible", "playbooks", "roles"];
        yaml && file.text().is_some() && file.folder().split('/').any(|part| folders.contains(&part))
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        for &site in sites {
            let Some(item) = outline.holding(site.span) else { continue };
            let whole =
                item.value.len() <= site.span.len() + 2 && matches!(item.spelling, Spelling::Plain | Spelling::Single | Spelling::Double);
            let Some(value) = outline.scalar(item).filter(|_| whole) else { continue };
            let id = draft.shared(file, &["ansible", &words::name(text, site)], &crate::secret::Secret::new(value.into_bytes()));
            let (store, entry) = draft.plan.entry(id);
            let path: String = entry.path.iter().map(|key| format!("[\\\"{key}\\\"]")).collect();
            let text = format!("\"{{{{ lookup('community.sops.sops', '{}', extract='{path}') }}}}\"", store.path);
            let actions = vec![Action::Splice { file: file.path.clone(), span: item.value, text }];
            let reason = "looked up with the collection community.sops 1.9 or newer; run ansible-playbook from the top of the repository";
            draft.step(self.id(), file, &[site], Verdict::review(reason), actions, vec![id]);
        }
    }
}
