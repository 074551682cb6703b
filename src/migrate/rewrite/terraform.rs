//! Terraform: variables of a `.tfvars` file are set by the environment instead; literals in `.tf` files are read through
//! the sops provider.

use std::borrow::Cow;

use super::quote::{Quote, exec_env, literal, shell_quote, told, unescaped};
use super::{Anchors, Rewriter, account, dotenv, hcl, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, folder_of};
use crate::migrate::outline::{Outline, Spelling};
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;
use crate::text::Span;
use crate::text::shell_word;

/// `*.tfvars`, `*.tfvars.json` and `*.tf`.
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
    variables_stem(file).is_some()
}

/// What a file of variables is called: `prod` of `prod.auto.tfvars.json`.
fn variables_stem(file: &SourceFile) -> Option<&str> {
    let name = file.name();
    let stem = name.strip_suffix(".tfvars").or_else(|| name.strip_suffix(".tfvars.json"))?;
    Some(stem.strip_suffix(".auto").unwrap_or(stem))
}

/// A variable that a file sets to a text.
struct Setting<'t> {
    name: Cow<'t, str>,
    value: Secret,
    /// Its name and its value.
    span: Span,
}

/// `name = "value"` on a line.
fn on_line<'t>(text: &'t str, line: Span) -> Option<Setting<'t>> {
    let raw = &text[line.range()];
    let (name, value) = raw.split_once('=').map(|(name, value)| (name.trim(), value.trim()))?;
    let top =
        raw.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let content = value.strip_prefix('"')?.strip_suffix('"').filter(|content| top && !content.contains('"'))?;
    Some(Setting { name: Cow::Borrowed(name), value: unescaped(content)?, span: line })
}

/// `"name": "value"` of the one object of a text.
fn member(text: &str, at: Span) -> Option<Setting<'static>> {
    let outline = Outline::with_flow(text);
    let item = outline.holding(at).filter(|item| item.spelling == Spelling::Double)?;
    let [name] = item.keys()?[..] else { return None };
    let value = unescaped(&text[item.value.start + 1..item.value.end - 1])?;
    Some(Setting { name: Cow::Owned(name.to_owned()), value, span: Span::new(item.start, item.value.end) })
}

impl Terraform {
    /// `name = "value"` → a comment; `TF_VAR_name` sets it, which a line in the file would override.
    fn variable(&self, file: &SourceFile, text: &str, site: &Site, draft: &mut Draft<'_>) {
        let json = file.name().ends_with(".json");
        let found = if json { member(text, site.span) } else { on_line(text, file.line_at(site.span.start)) };
        let Some(Setting { name, value, span }) = found else {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "the value is part of a list, map or heredoc: set the whole variable through TF_VAR_… by hand",
            );
        };
        let (root, declared) = declaration(file.folder(), &name, draft);
        if declared == Declared::TakesExpression {
            return draft.manual(self.id(), file, &[site], EXPRESSION);
        }
        let stem = variables_stem(file).unwrap_or("terraform");
        let store = draft.store(&format!("{}{stem}", file.folder()), ".sops.env", &Shape::Keys, &file.path);
        let id = draft.put(store, &[&format!("TF_VAR_{name}")], &value);
        let path = draft.path_of(store).to_owned();
        let note = format!("{name}: {}", told(&path));
        // Terraform passes over members of this name, however many there are.
        let text = if json { format!("\"//\": \"{note}\"") } else { format!("# {note}") };
        let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
        actions.extend(dotenv::companions(draft, store));
        let plain = file.name().trim_end_matches(".json");
        let loaded = file.folder() == root && (plain == "terraform.tfvars" || plain.ends_with(".auto.tfvars"));
        let run = run_terraform(&path, &root, (!loaded).then(|| file.path.strip_prefix(root.as_str()).unwrap_or(&file.path)));
        let verdict = match declared {
            Declared::Asks => Verdict::safe(format!("run with `{run}`; without it Terraform asks")),
            Declared::HasDefault => Verdict::review(format!("{name} has a default, with which Terraform goes on without `{run}`")),
            _ => Verdict::review(format!("nothing here declares {name}; Terraform gets it by `{run}`")),
        };
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }

    /// `"value"` → `data.sops_file.sopup.data["key"]`
    fn literal(&self, file: &SourceFile, text: &str, site: &Site, draft: &mut Draft<'_>) {
        let blocks = hcl::blocks(text, site.span.start);
        if let Some(reason) = takes_no_expression(&blocks) {
            return draft.manual(self.id(), file, &[site], reason);
        }
        let in_string = quote_at(file, text, site) == Quote::Double;
        let Some(value) = unescaped(&text[site.span.range()]).filter(|_| in_string) else {
            return draft.manual(self.id(), file, &[site], "not in a string on one line: read it from a variable by hand");
        };
        if blocks.first().is_some_and(|block| block.starts_with("variable ") && hcl::name_of(block, "variable").is_none()) {
            return draft.manual(self.id(), file, &[site], "part of what a variable is declared with, where no expression can stand");
        }
        if let [variable] = blocks.as_slice()
            && let Some(name) = hcl::name_of(variable, "variable")
        {
            return self.default(file, text, site, (name, &value), draft);
        }
        let store = draft.store(&format!("{}secrets", file.folder()), ".enc.yaml", &Shape::Keys, &format!("terraform {}", file.folder()));
        let id = draft.put(store, &[&words::name(text, site)], &value);
        let key = super::container::key_of(id, draft);
        let path = draft.path_of(store);
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut actions = vec![expression(file, text, site, &format!("data.sops_file.sopup.data[\"{key}\"]"))];
        actions.extend(provider(file.folder(), name, draft));
        let verdict = Verdict::review("read through the provider carlpett/sops, which `terraform init` must be allowed to install");
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }

    /// The default of a variable → none; `TF_VAR_name` sets it.
    fn default(&self, file: &SourceFile, text: &str, site: &Site, (name, value): (&str, &Secret), draft: &mut Draft<'_>) {
        let line = file.line_at(site.span.start);
        let raw = text[line.range()].trim();
        let whole = literal(text, site.span).is_some_and(|(span, _)| raw.ends_with(&text[span.range()]));
        if !whole || !raw.starts_with("default") {
            return draft.manual(self.id(), file, &[site], "part of what a variable is declared with, where no expression can stand");
        }
        if declared_in(text, name) == Some(Declared::TakesExpression) {
            return draft.manual(self.id(), file, &[site], EXPRESSION);
        }
        let stem = if file.folder().is_empty() { "terraform".to_owned() } else { format!("{}terraform", file.folder()) };
        let store = draft.store(&stem, ".sops.env", &Shape::Keys, "terraform variables");
        let id = draft.put(store, &[&format!("TF_VAR_{name}")], value);
        let path = draft.path_of(store).to_owned();
        let indent = &text[line.start..line.start + (line.len() - text[line.range()].trim_start().len())];
        let text = format!("{indent}# no default: TF_VAR_{name} is set by sops exec-env {path}");
        let mut actions = vec![Action::Splice { file: file.path.clone(), span: line, text }];
        actions.extend(dotenv::companions(draft, store));
        let verdict = match is_root(file.folder(), draft) {
            true => Verdict::safe(format!("run with `{}`; without it Terraform asks", run_terraform(&path, file.folder(), None))),
            false => Verdict::review(format!("set {name} where this module is called; `{}` has the value", exec_env(&path, "COMMAND"))),
        };
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}

/// An AWS account ID → a variable, which is declared in `variables.tf` and set by `TF_VAR_…`.
pub(super) fn account(file: &SourceFile, site: &Site, name: &str, draft: &mut Draft<'_>) {
    let Some(text) = file.text() else { return };
    let blocks = hcl::blocks(text, site.span.start);
    let declared = blocks.first().is_some_and(|block| hcl::name_of(block, "variable").is_some());
    let by_hand = declared.then_some("part of what a variable is declared with: leave the default out and set it by TF_VAR_…");
    if let Some(reason) = takes_no_expression(&blocks).or(by_hand) {
        return draft.manual("account", file, &[site], reason);
    }
    let variable = name.to_ascii_lowercase();
    let store = account::store(draft);
    let id = draft.put(store, &[&format!("TF_VAR_{variable}")], &site.secret);
    let path = draft.path_of(store).to_owned();
    let mut actions = vec![expression(file, text, site, &format!("var.{variable}"))];
    let declaration = format!("variable \"{variable}\"");
    let siblings = draft.repo.beside(file.folder(), &[".tf"]);
    if !siblings.iter().any(|(_, text)| text.contains(&declaration)) {
        let line = format!("{declaration} {{ type = string }}");
        actions.push(Action::Append { file: format!("{}variables.tf", file.folder()), line });
    }
    actions.extend(dotenv::companions(draft, store));
    let verdict = match is_root(file.folder(), draft) {
        true => Verdict::safe(format!("run with `{}`; without it Terraform asks", run_terraform(&path, file.folder(), None))),
        false => Verdict::review(format!("set {variable} where this module is called; `{}` has the value", exec_env(&path, "COMMAND"))),
    };
    draft.step("account", file, &[site], verdict, actions, vec![id]);
}

/// Why a variable stays.
const EXPRESSION: &str = "declared with a type for which TF_VAR_… takes an expression: declare it as a string, then migrate again";

/// How a module declares a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    /// Not at all.
    Nowhere,
    /// Without a default: Terraform asks for it.
    Asks,
    /// With a default.
    HasDefault,
    /// With a type for which the environment holds an expression and not a text.
    TakesExpression,
}

/// The folder of the module that a file of variables is for, and how that declares a variable: the nearest folder above with
/// Terraform files.
fn declaration(folder: &str, name: &str, draft: &Draft<'_>) -> (String, Declared) {
    let mut at = folder;
    loop {
        let modules = draft.repo.beside(at, &[".tf"]);
        if !modules.is_empty() || at.is_empty() {
            let found = modules.iter().find_map(|(_, text)| declared_in(text, name));
            let at = if modules.is_empty() { folder } else { at };
            return (at.to_owned(), found.unwrap_or(Declared::Nowhere));
        }
        at = folder_of(&at[..at.len() - 1]);
    }
}

fn declared_in(text: &str, name: &str) -> Option<Declared> {
    let declares = |line: &str| line.trim_start().starts_with(&format!("variable \"{name}\""));
    let before: usize = text.split_inclusive('\n').take_while(|line| !declares(line)).map(str::len).sum();
    let rest = text.get(before..).filter(|rest| !rest.is_empty())?.trim_start();
    let inside = |at: usize| matches!(hcl::blocks(rest, at).as_slice(), [block] if hcl::name_of(block, "variable").is_some());
    let settings = rest.match_indices(['\n', '{']).map(|(at, _)| at + 1).take_while(|at| !hcl::blocks(rest, *at).is_empty());
    let setting = |wanted: &str| {
        let value = |at: usize| rest[at..].trim_start_matches([' ', '\t']).strip_prefix(wanted)?.trim_start().strip_prefix('=');
        settings.clone().filter(|at| inside(*at)).find_map(value).map(|value| value.lines().next().unwrap_or_default().trim())
    };
    let is_text = |kind: &str| ["string", "number", "bool", "\"string\""].iter().any(|known| kind.starts_with(known));
    Some(match () {
        () if setting("type").is_some_and(|kind| !is_text(kind)) => Declared::TakesExpression,
        () if setting("default").is_some() => Declared::HasDefault,
        () => Declared::Asks,
    })
}

/// A command that plans a module with the values of a store, from the top of the repository.
fn run_terraform(store: &str, root: &str, variables: Option<&str>) -> String {
    let folder = if root.is_empty() { String::new() } else { format!(" -chdir={}", shell_word(root.trim_end_matches('/'))) };
    let file = variables.map(|file| format!(" -var-file={}", shell_word(file))).unwrap_or_default();
    exec_env(store, &shell_word(&format!("terraform{folder} plan{file}")))
}

/// Why no expression can stand in these blocks.
fn takes_no_expression(blocks: &[&str]) -> Option<&'static str> {
    let within = |kind: &str| blocks.iter().any(|block| *block == kind || block.starts_with(&format!("{kind} ")));
    match () {
        () if within("backend") => {
            Some("a backend takes no variables: leave the setting out and give it to `terraform init -backend-config=…`")
        }
        () if within("terraform") => Some("the `terraform` block takes no variables: move the value out of it by hand"),
        () => None,
    }
}

/// Whether a folder is a root module: what its variables are set by is the environment.
fn is_root(folder: &str, draft: &Draft<'_>) -> bool {
    let configures = |text: &str| text.lines().any(|line| line.starts_with("provider \"") || line.trim_start().starts_with("backend \""));
    let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let mut above = folder;
    // A module that one above calls takes its variables from there.
    while !above.is_empty() {
        above = folder_of(&above[..above.len() - 1]);
        let calls = |text: &str| text.lines().any(|line| line.contains("source") && line.contains(&format!("/{name}\"")));
        if draft.repo.beside(above, &[".tf"]).iter().any(|(_, text)| calls(text)) {
            return false;
        }
    }
    draft.repo.beside(folder, &[".tf"]).iter().any(|(_, text)| configures(text))
}

/// An expression in the place of a value: of the whole string, or inside of it.
fn expression(file: &SourceFile, text: &str, site: &Site, expression: &str) -> Action {
    let whole = literal(text, site.span).filter(|(_, quote)| *quote == '"').map(|(span, _)| span);
    let bare = quote_at(file, text, site) == Quote::Bare && !text[..site.span.start].ends_with(|c: char| !c.is_whitespace());
    let (span, text) = match whole {
        Some(span) => (span, expression.to_owned()),
        None if bare && is_number(text, site) => (site.span, expression.to_owned()),
        None => (site.span, format!("${{{expression}}}")),
    };
    Action::Splice { file: file.path.clone(), span, text }
}

/// Whether a place is a number of its own, right behind `=`: not in a here-document.
fn is_number(text: &str, site: &Site) -> bool {
    text[..site.span.start].trim_end().ends_with('=') && text[site.span.range()].bytes().all(|byte| byte.is_ascii_digit())
}

fn quote_at(file: &SourceFile, text: &str, site: &Site) -> Quote {
    let line: Span = file.line_at(site.span.start);
    shell_quote(&text[line.range()], site.span.start - line.start)
}

/// What makes `data.sops_file.sopup` known in a module. It can name its providers in one place only.
fn provider(folder: &str, store: &str, draft: &Draft<'_>) -> Vec<Action> {
    let data = format!("data \"sops_file\" \"sopup\" {{\n  source_file = \"${{path.module}}/{store}\"\n}}\n");
    let source = "source = \"carlpett/sops\"";
    let file = format!("{folder}sopup.tf");
    let siblings = draft.repo.beside(folder, &[".tf"]);
    let named = siblings.iter().filter(|(path, _)| *path != file).find_map(|(path, text)| {
        let start = text.find("required_providers")?;
        let brace = start + text[start..].find('{')? + 1;
        Some((path, text, brace))
    });
    let Some((path, text, brace)) = named else {
        let text = format!("terraform {{\n  required_providers {{\n    sops = {{\n      {source}\n    }}\n  }}\n}}\n\n{data}");
        return vec![Action::Create { file, text }];
    };
    let create = Action::Create { file, text: data };
    if text.contains("carlpett/sops") {
        return vec![create];
    }
    let text = format!("\n    sops = {{\n      {source}\n    }}");
    vec![create, Action::Splice { file: path.clone(), span: Span::new(brace, brace), text }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_say_what_happens_without_a_value() {
        let text = "variable \"a\" {\n  type = string\n}\nvariable \"b\" {\n  type    = string\n  default = \"\"\n}\n\
                    variable \"c\" { type = any }\nvariable \"d\" {}\nvariable \"e\" {\n  validation {\n    default = 1\n  }\n}\n\
                    variable \"f\" {\n  type = list(string)\n}\nvariable \"g\" { default = null }\n";
        let found = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| declared_in(text, name));
        use Declared::{Asks, HasDefault, TakesExpression};
        let wanted = [Asks, HasDefault, TakesExpression, Asks, Asks, TakesExpression, HasDefault].map(Some);
        assert_eq!(found[..7], wanted);
        assert_eq!(found[7], None);
    }

    #[test]
    fn commands_run_from_the_top() {
        assert_eq!(
            run_terraform("a/s.env", "a/", Some("env/p.tfvars")),
            "sops exec-env a/s.env 'terraform -chdir=a plan -var-file=env/p.tfvars'"
        );
        assert_eq!(run_terraform("s.env", "", None), "sops exec-env s.env 'terraform plan'");
    }
}
