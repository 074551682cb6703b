//! Kustomizations: literals of a `secretGenerator` become an encrypted Secret among the resources.

use super::container::key_of;
use super::kubernetes::lines_of;
use super::made::{self, Wanted};
use super::{Anchors, Rewriter, ksops};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::manifests::is_kustomization;
use crate::migrate::outline::{Item, Outline, Part};
use crate::migrate::plan::{Action, EntryId};
use crate::secret::Secret;

/// `kustomization.yaml`.
pub(super) struct Kustomize;

impl Rewriter for Kustomize {
    fn id(&self) -> &'static str {
        "kustomize"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        is_kustomization(&file.path) && file.text().is_some()
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        let outline = Outline::new(text);
        let mut planned = Vec::new();
        for &site in sites {
            let Some(item) = outline.holding(site.span) else { continue };
            let generator = match item.path.as_slice() {
                [Part::Key(list), Part::Index(at), Part::Key(literals), Part::Index(_)]
                    if list == "secretGenerator" && literals == "literals" =>
                {
                    *at
                }
                [Part::Key(list), ..] if list == "configMapGenerator" => {
                    draft.manual(
                        self.id(),
                        file,
                        &[site],
                        "a ConfigMap is no place for it: move the literal to a `secretGenerator`, then migrate again",
                    );
                    continue;
                }
                _ => continue,
            };
            if !planned.contains(&generator) {
                planned.push(generator);
                let here = |site: &Site| {
                    let at = outline.holding(site.span).map(|item| item.path.clone()).unwrap_or_default();
                    at.starts_with(&[Part::Key("secretGenerator".to_owned()), Part::Index(generator)])
                };
                let inside: Vec<&Site> = sites.iter().copied().filter(|site| here(site)).collect();
                self.generator(file, text, &outline, generator, &inside, draft);
            }
        }
    }
}

impl Kustomize {
    fn generator(&self, file: &SourceFile, text: &str, outline: &Outline<'_>, at: usize, sites: &[&Site], draft: &mut Draft<'_>) {
        let list = [Part::Key("secretGenerator".to_owned())];
        let path = [list[0].clone(), Part::Index(at)];
        let below = |key: &str| outline.at(0, &[path[0].clone(), path[1].clone(), Part::Key(key.to_owned())]);
        let known = ["name", "namespace", "literals"];
        let plain = outline.children(0, &path).all(|item| item.name().is_some_and(|name| known.contains(&name)));
        let name = below("name").and_then(|item| outline.scalar(item));
        let (Some(name), Some(generator), true) = (name, outline.at(0, &path), plain) else {
            let reason =
                "the generator has more than a name and literals: move the literal to an encrypted file that your deployment decrypts";
            return draft.manual(self.id(), file, sites, reason);
        };
        let literals: Option<Vec<(String, Secret)>> = below("literals")
            .map(|literals| outline.children(0, &literals.path).map(|item| literal(outline, item)).collect())
            .unwrap_or_default();
        let Some(literals) = literals else {
            return draft.manual(self.id(), file, sites, "a literal is written in a way that sopup does not edit");
        };
        let namespace = below("namespace").and_then(|item| outline.scalar(item));
        let (stem, owner) = (Some(format!("{name}-secret")), format!("{}#{name}", file.path));
        let made = match made::secret(Wanted { name: &name, namespace, folder: file.folder(), stem, owner }, draft) {
            Ok(made) => made,
            Err(reason) => return draft.manual(self.id(), file, sites, &reason),
        };
        let ids: Vec<EntryId> = literals.iter().map(|(key, value)| draft.put(made.store, &[key], value)).collect();
        if ids.iter().zip(&literals).any(|(id, (key, _))| key_of(*id, draft) != *key) {
            return draft.manual(self.id(), file, sites, "the generator names a key twice");
        }
        let siblings = outline.children(0, &list).count();
        let whole = outline.at(0, &list).filter(|_| siblings == 1).unwrap_or(generator);
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: lines_of(text, whole), text: String::new() }];
        let path = made.manifest.clone();
        let name = path.rsplit('/').next().unwrap_or(&path);
        let listed = match ksops::is_used(draft) {
            true => ksops::generator(&file.path, text, &path, name),
            false => ksops::list_entry(&file.path, text, "resources", name),
        };
        let Some(listed) = listed else {
            return draft.manual(self.id(), file, sites, "`resources` or `generators` is written in a way that sopup does not edit");
        };
        actions.extend(listed);
        let verdict =
            Verdict::safe("the Secret keeps its name and loses the hash behind it: pods do not restart by themselves when it changes");
        let (further, verdict) = made.companions(verdict);
        actions.extend(further);
        draft.step(self.id(), file, sites, verdict, actions, ids);
    }
}

/// `key=value`
fn literal(outline: &Outline<'_>, item: &Item) -> Option<(String, Secret)> {
    let text = outline.scalar(item)?;
    let (key, value) = text.split_once('=')?;
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = unquoted.or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''))).unwrap_or(value);
    Some((key.to_owned(), Secret::new(value.as_bytes().to_vec())))
}
