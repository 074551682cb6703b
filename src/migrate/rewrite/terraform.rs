//! Terraform: variables of a `.tfvars` file are set by the environment instead; literals in `.tf` files are read through
//! the sops provider.

use super::quote::{Quote, literal, shell_quote, unescaped};
use super::{Anchors, Rewriter, dotenv, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::plan::{Action, Shape};

/// `*.tfvars` and `*.tf`.
pub(super) struct Terraform;

impl Rewriter for Terraform {
    fn id(&self) -> &'static str {
        "terraform"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        (is_variables(file) || file.name().ends_with(".tf")) && file.text().is_some()
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        for &site in sites {
            if is_variables(file) {
                self.variable(file, text, site, draft);
            } else {
                self.literal(file, text, site, draft);
            }
        }
    }
}

pub(super) fn is_variables(file: &SourceFile) -> bool {
    file.name().ends_with(".tfvars")
}

impl Terraform {
    /// `name = "value"` → a comment; `TF_VAR_name` sets it, which a line in the file would override.
    fn variable(&self, file: &SourceFile, text: &str, site: &Site, draft: &mut Draft<'_>) {
        let line = file.line_at(site.span.start);
        let raw = &text[line.range()];
        let parts = raw.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let whole = parts.filter(|(name, value)| {
            let top = !name.is_empty()
                && raw.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            top && value.starts_with('"') && value.len() > 1 && value.ends_with('"') && !value[1..value.len() - 1].contains('"')
        });
        let Some((name, value)) = whole.and_then(|(name, value)| Some((name, unescaped(&value[1..value.len() - 1])?))) else {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "the value is part of a list, map or heredoc: set the whole variable through TF_VAR_… by hand",
            );
        };
        let stem = file.name().trim_end_matches(".tfvars").trim_end_matches(".auto");
        let store = draft.store(&format!("{}{stem}", file.folder()), ".sops.env", &Shape::Keys, &file.path);
        let id = draft.put(store, &[&format!("TF_VAR_{name}")], &value);
        let path = draft.path_of(store).to_owned();
        let text = format!("# {name}: set by sops exec-env {path}");
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: line, text }];
        actions.extend(dotenv::companions(draft, store));
        let verdict =
            Verdict::safe(format!("run with `sops exec-env {path} 'terraform plan -var-file={}'`; without it Terraform asks", file.name()));
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }

    /// `"value"` → `data.sops_file.sopup.data["key"]`
    fn literal(&self, file: &SourceFile, text: &str, site: &Site, draft: &mut Draft<'_>) {
        let line = &text[file.line_at(site.span.start).range()];
        let inside = shell_quote(line, site.span.start - file.line_at(site.span.start).start) == Quote::Double;
        let whole = literal(text, site.span).filter(|(_, quote)| *quote == '"').map(|(span, _)| span);
        let Some(value) = unescaped(&text[site.span.range()]).filter(|_| inside) else {
            return draft.manual(self.id(), file, &[site], "not in a string on one line: read it from a variable by hand");
        };
        let store = draft.store(&format!("{}secrets", file.folder()), ".enc.yaml", &Shape::Keys, &format!("terraform {}", file.folder()));
        let id = draft.put(store, &[&words::name(text, site)], &value);
        let key = super::container::key_of(id, draft);
        let path = draft.path_of(store);
        let name = path.rsplit('/').next().unwrap_or(path);
        let provider = format!(
            "terraform {{\n  required_providers {{\n    sops = {{\n      source = \"carlpett/sops\"\n    }}\n  }}\n}}\n\ndata \"sops_file\" \"sopup\" {{\n  source_file = \"${{path.module}}/{name}\"\n}}\n"
        );
        let lookup = format!("data.sops_file.sopup.data[\"{key}\"]");
        let (span, text) = whole.map_or_else(|| (site.span, format!("${{{lookup}}}")), |whole| (whole, lookup.clone()));
        let edit = Action::Splice { file: file.path.clone(), span, text };
        let actions = vec![edit, Action::Create { file: format!("{}sopup.tf", file.folder()), text: provider }];
        let verdict = Verdict::review("read through the provider carlpett/sops, which `terraform init` must be allowed to install");
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}
