//! What a coding agent is about to write, run or send: the JSON that its hook gets is looked through, and a secret that is
//! new there stops it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::lsp::Scanner;
use crate::cli::ui::Ui;
use crate::cli::what::What;
use crate::finding::Finding;
use crate::report::safe;

/// The most that is read, in bytes.
const LARGEST: u64 = 64 << 20;
/// Fields that hold what an agent wants to do.
const ACTIONS: [&str; 8] = ["tool_input", "toolInput", "toolArgs", "tool_args", "edits", "content", "command", "prompt"];
/// Fields that name the file it is about.
const FILES: [&str; 5] = ["file_path", "filePath", "path", "notebook_path", "target_file"];
/// Fields of text that goes away.
const BEFORE: [&str; 3] = ["old_string", "old_str", "oldText"];

/// Reads the input of a hook, and stops the agent if it would bring a secret. Agents take the exit code 2 for that.
pub(super) fn run(what: &What, ui: &Ui) -> Result<Exit, CliError> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
    let hint = "let the agent run this as its hook, which gets JSON on standard input";
    read.map_err(|error| CliError::new(format!("cannot read standard input: {error}"), hint))?;
    if bytes.len() as u64 > LARGEST {
        return Err(CliError::new(format!("the input has more than {} MiB", LARGEST >> 20), hint));
    }
    let input: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| CliError::new(format!("standard input is no JSON object: {error}"), hint))?;
    let wanted = Wanted::of(&input);
    let mut scanner = Scanner::new(what);
    let mut found = Vec::new();
    for (name, text) in &wanted.texts {
        for finding in scanner.findings(&wanted.folder.join(name), text)? {
            if !wanted.had(&finding) {
                found.push((name, finding));
            }
        }
    }
    if found.is_empty() {
        return Ok(Exit::Clean);
    }
    let mut out = ui.stderr();
    let many = if found.len() == 1 { "a secret".to_owned() } else { format!("{} secrets", found.len()) };
    writeln!(out, "sopup stopped this: it holds {many}.")?;
    for (name, finding) in &found {
        let line = finding.occurrences[0].start.line;
        let (at, value) = (safe::line(&name.display().to_string()), safe::line(&finding.secret.redacted()));
        writeln!(out, "  {at}:{line}: {} {value} (fingerprint {})", finding.rule.name, finding.fingerprint)?;
    }
    writeln!(
        out,
        "Refer to a variable, a secret store or an encrypted file in its place, and write the value nowhere else. If it is no \
         secret, ask the user to run `sopup allow`."
    )?;
    out.flush()?;
    Ok(Exit::Usage)
}

/// What an agent wants to do.
struct Wanted {
    /// Where it works.
    folder: PathBuf,
    /// Texts, and the files that they are for.
    texts: Vec<(PathBuf, String)>,
    /// What goes away for it.
    before: Vec<String>,
    /// The file that is changed, as it is.
    file: Vec<u8>,
}

impl Wanted {
    fn of(input: &Map<String, Value>) -> Self {
        let folder = input.get("cwd").and_then(Value::as_str).map_or_else(|| PathBuf::from("."), PathBuf::from);
        let mut wanted = Self { folder, texts: Vec::new(), before: Vec::new(), file: Vec::new() };
        for field in ACTIONS {
            if let Some(action) = input.get(field) {
                // Some agents hand on what they call a tool with as JSON in a text.
                let inner = action.as_str().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok()).map(Value::Object);
                let action = inner.as_ref().unwrap_or(action);
                let file = action.as_object().and_then(file_of).or_else(|| file_of(input));
                wanted.add(field, action, file);
            }
        }
        wanted
    }

    fn add(&mut self, field: &str, value: &Value, file: Option<&str>) {
        match value {
            Value::String(text) if BEFORE.contains(&field) => self.before.push(text.clone()),
            Value::String(_) if FILES.contains(&field) => {}
            Value::String(text) => {
                let name = match (field, file) {
                    ("command", _) => "command.sh",
                    ("prompt", _) => "prompt.md",
                    (_, file) => file.unwrap_or("input.txt"),
                };
                if file == Some(name) && self.file.is_empty() {
                    self.file = std::fs::read(self.folder.join(name)).unwrap_or_default();
                }
                self.texts.push((PathBuf::from(name), text.clone()));
            }
            Value::Array(items) => items.iter().for_each(|item| self.add(field, item, file)),
            Value::Object(fields) => {
                let file = file_of(fields).or(file);
                fields.iter().for_each(|(field, value)| self.add(field, value, file));
            }
            _ => {}
        }
    }

    /// Whether the value was there before.
    fn had(&self, finding: &Finding) -> bool {
        let value = finding.secret.expose();
        let within = |text: &[u8]| memchr::memmem::find(text, value).is_some();
        within(&self.file) || self.before.iter().any(|text| within(text.as_bytes()))
    }
}

fn file_of(fields: &Map<String, Value>) -> Option<&str> {
    FILES.iter().find_map(|field| fields.get(*field)?.as_str()).filter(|path| Path::new(path).file_name().is_some())
}
