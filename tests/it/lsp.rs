//! `sopup lsp`, driven as an editor does: messages in, messages out, and no secret in any of them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Place, TOKEN};

const PASSWORD: &str = "Walrus88Timber";

/// An editor that keeps all it was told.
struct Editor {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    told: String,
    next: u64,
}

impl Editor {
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut command = place.command();
        let mut server =
            command.arg("lsp").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (input, output) = (server.stdin.take(), BufReader::new(server.stdout.take().expect("piped")));
        let mut editor = Self { server, input, output, told: String::new(), next: 0 };
        let answer = editor.ask("initialize", &json!({"processId": null, "rootUri": null, "capabilities": {}}));
        assert_eq!(answer["capabilities"]["textDocumentSync"]["change"], 2, "{answer}");
        editor.tell("initialized", &json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let input = self.input.as_mut().expect("it is open");
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).and_then(|()| input.flush()).expect("it reads");
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The next message.
    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).expect("readable") > 0, "the server ended: {}", self.told);
            match line.trim_end() {
                "" => break,
                header => length = header.strip_prefix("Content-Length: ").map_or(length, |length| length.parse().expect("a number")),
            }
        }
        let mut bytes = vec![0; length];
        self.output.read_exact(&mut bytes).expect("a whole message");
        let text = String::from_utf8(bytes).expect("UTF-8");
        self.told += &text;
        serde_json::from_str(&text).expect("JSON")
    }

    /// The result of a request; what comes before it is passed over.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let heard = self.hear();
            if heard["id"] == id {
                return if heard["error"].is_null() { heard["result"].clone() } else { heard["error"].clone() };
            }
        }
    }

    /// The next message of a method.
    fn hear_of(&mut self, method: &str) -> Value {
        loop {
            let heard = self.hear();
            if heard["method"] == method {
                return heard["params"].clone();
            }
        }
    }

    fn diagnostics(&mut self) -> Vec<Value> {
        self.hear_of("textDocument/publishDiagnostics")["diagnostics"].as_array().expect("a list").clone()
    }

    /// The exit code, and all that was told.
    fn end(mut self, says_so: bool) -> (Option<i32>, String) {
        if says_so {
            assert_eq!(self.ask("shutdown", &Value::Null), Value::Null);
        }
        self.tell("exit", &Value::Null);
        drop(self.input.take());
        let code = self.server.wait().expect("it ends").code();
        self.output.read_to_string(&mut self.told).expect("readable");
        self.server.stderr.take().expect("piped").read_to_string(&mut self.told).expect("readable");
        (code, self.told)
    }
}

fn uri(place: &Place, name: &str) -> String {
    format!("file://{}", place.path().canonicalize().expect("it is there").join(name).display())
}

fn open(editor: &mut Editor, uri: &str, text: &str) {
    editor.tell("textDocument/didOpen", &json!({"textDocument": {"uri": uri, "languageId": "x", "version": 1, "text": text}}));
}

fn change(editor: &mut Editor, uri: &str, version: u32, changes: &Value) {
    editor.tell("textDocument/didChange", &json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}));
}

fn range(line: u32, start: u32, end: u32) -> Value {
    json!({"start": {"line": line, "character": start}, "end": {"line": line, "character": end}})
}

#[test]
fn secrets_come_and_go_as_they_are_typed() {
    let place = Place::repository();
    place.write("app/settings.env", "MODE=fast\n").commit("first");
    let mut editor = Editor::start(&place, &["--stdio"]);
    let (file, text) = (uri(&place, "app/settings.env"), format!("# é😀\nDB_PASSWORD={PASSWORD}\nMODE=fast\n"));
    open(&mut editor, &file, &text);
    let found = editor.diagnostics();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["range"], &found[0]["code"]), (&range(1, 12, 26), &json!("generic-password")));
    assert_eq!((&found[0]["source"], &found[0]["severity"]), (&json!("sopup"), &json!(1)));
    assert!(found[0]["message"].as_str().expect("a text").contains("********"), "{found:?}");

    let place_of = |line, character| json!({"textDocument": {"uri": file}, "position": {"line": line, "character": character}});
    let hover = editor.ask("textDocument/hover", &place_of(1, 15));
    let shown = hover["contents"]["value"].as_str().expect("a text");
    assert!(shown.contains("To replace it:") && shown.contains("Fingerprint: "), "{shown}");
    assert_eq!(editor.ask("textDocument/hover", &place_of(2, 1)), Value::Null);

    // Part of the line is replaced, and then a token is typed after characters of two UTF-16 units.
    change(&mut editor, &file, 2, &json!([{"range": range(1, 12, 26), "text": "${DB_PASSWORD}"}]));
    assert_eq!(editor.diagnostics(), Vec::<Value>::new());
    change(&mut editor, &file, 3, &json!([{"range": range(0, 5, 5), "text": format!("\nGITHUB_TOKEN={TOKEN}")}]));
    let found = editor.diagnostics();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["range"], range(1, 13, 13 + u32::try_from(TOKEN.len()).expect("short")));
    change(&mut editor, &file, 4, &json!([{"text": ""}]));
    assert_eq!(editor.diagnostics(), Vec::<Value>::new());

    assert_eq!(editor.ask("textDocument/definition", &place_of(0, 0))["code"], -32601);
    editor.tell("textDocument/didClose", &json!({"textDocument": {"uri": file}}));
    assert_eq!(editor.diagnostics(), Vec::<Value>::new());
    let (code, told) = editor.end(true);
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains(PASSWORD) && !told.contains(TOKEN), "{told}");
    // Nothing was written.
    assert_eq!(place.git(["status", "--porcelain"]), "");
}

#[test]
fn a_value_is_explained_and_allowed() {
    let place = Place::repository();
    let mut editor = Editor::start(&place, &[]);
    let file = uri(&place, "new.env");
    open(&mut editor, &file, &format!("DB_PASSWORD={PASSWORD}\nGITHUB_TOKEN={TOKEN}\n"));
    let found = editor.diagnostics();
    assert_eq!(found.len(), 2, "{found:?}");
    let params = json!({"textDocument": {"uri": file}, "range": range(0, 14, 14), "context": {"diagnostics": [found[0]]}});
    let actions = editor.ask("textDocument/codeAction", &params);
    let actions = actions.as_array().expect("a list");
    let titled = |word: &str| actions.iter().find(|one| one["title"].as_str().is_some_and(|title| title.starts_with(word)));
    let command = |action: &Value| json!({"command": action["command"]["command"], "arguments": action["command"]["arguments"]});
    assert_eq!(actions.len(), 4, "{actions:?}");

    editor.ask("workspace/executeCommand", &command(titled("Explain").expect("one")));
    let shown = editor.hear_of("window/showMessage");
    assert!(shown["message"].as_str().expect("a text").contains("To replace it:"), "{shown}");

    editor.ask("workspace/executeCommand", &command(titled("Allow").expect("one")));
    let shown = editor.hear_of("window/showMessage");
    assert!(shown["message"].as_str().expect("a text").contains("`fingerprint_key` was added"), "{shown}");
    let config = std::fs::read_to_string(place.join(".sopup.yaml")).expect("it was written");
    assert!(config.contains("fingerprints: [") && config.contains("reason: 'an invented value'"), "{config}");
    let left = editor.diagnostics();
    assert!(left.len() == 1 && left[0]["code"] == "github-personal-access-token", "{left:?}");
    // A scan agrees.
    place.write("new.env", format!("DB_PASSWORD={PASSWORD}\n"));
    assert_eq!(place.sopup(["scan"]).code, 0);

    // What is gone cannot be allowed, and an empty reason is none.
    let gone = json!({"command": "sopup.allow", "arguments": [{"uri": file, "fingerprint": "0".repeat(24), "reason": "x"}]});
    editor.ask("workspace/executeCommand", &gone);
    assert_eq!(editor.hear_of("window/showMessage")["type"], 1);
    let data = left[0]["data"]["fingerprint"].clone();
    editor.ask("workspace/executeCommand", &json!({"command": "sopup.allow", "arguments": [{"uri": file, "fingerprint": data}]}));
    let shown = editor.hear_of("window/showMessage");
    assert!(shown["message"].as_str().expect("a text").contains("the reason is empty"), "{shown}");
    let (code, told) = editor.end(true);
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains(PASSWORD) && !told.contains(TOKEN), "{told}");
}

#[test]
fn the_configuration_counts_as_in_a_scan() {
    let place = Place::repository();
    place.write("demo/x.txt", "").write(".sopup.yaml", "allow:\n  - paths: ['demo/**']\n    reason: x\n").write(".sopupignore", "left/\n");
    let mut editor = Editor::start(&place, &[]);
    let text = format!("DB_PASSWORD={PASSWORD}\n");
    for (name, count) in [("demo/a.env", 0), ("left/not/yet/there.env", 0), ("b.env", 1), ("c%20d.env", 1)] {
        open(&mut editor, &uri(&place, name), &text);
        assert_eq!(editor.diagnostics().len(), count, "{name}");
    }
    open(&mut editor, "untitled:Untitled-1", &text);
    assert_eq!(editor.diagnostics().len(), 1);
    open(&mut editor, &uri(&place, "e.env"), &format!("DB_PASSWORD={PASSWORD} # sopup:allow\n"));
    assert_eq!(editor.diagnostics().len(), 0);

    // A broken configuration is said once, and a mended one counts again.
    place.write(".sopup.yaml", "alow: []\n");
    change(&mut editor, &uri(&place, "b.env"), 2, &json!([{"text": text}]));
    let said = editor.hear_of("window/showMessage");
    assert!(said["message"].as_str().expect("a text").contains("unknown field `alow`"), "{said}");
    place.write(".sopup.yaml", "disable: [generic-password, weak-password]\n");
    change(&mut editor, &uri(&place, "b.env"), 3, &json!([{"text": text}]));
    assert_eq!(editor.diagnostics().len(), 0);
    let (code, told) = editor.end(false);
    assert_eq!(code, Some(1), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
}

#[test]
fn what_is_no_editor_is_told_so() {
    let run = Place::new().sopup_with(["lsp"], "hello\n");
    assert!(run.code == 2 && run.stderr.contains("no editor began a conversation"), "{}{}", run.code, run.stderr);
}
