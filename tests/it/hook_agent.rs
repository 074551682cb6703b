//! `sopup hook agent`: what the hooks of coding agents are told, as those agents write it.

use serde_json::{Value, json};

use crate::support::{Place, TOKEN};

const SECRET: &str = "Canyon.Comet.Walnut.109";

fn told(place: &Place, input: &Value) -> (i32, String) {
    let run = place.sopup_with(["hook", "agent"], input.to_string());
    assert!(!run.stderr.contains(SECRET) && !run.stderr.contains(TOKEN), "{}", run.stderr);
    (run.code, run.stderr)
}

#[test]
fn a_secret_that_an_agent_wants_to_write_run_or_send_stops_it() {
    let place = Place::repository();
    let line = format!("DB_PASSWORD={SECRET}\n");
    let write = json!({"hook_event_name": "PreToolUse", "cwd": place.path(), "tool_name": "Write",
        "tool_input": {"file_path": place.join("app.env"), "content": format!("A=1\n{line}")}});
    let (code, said) = told(&place, &write);
    assert!(code == 2 && said.contains("app.env:2: Hard-coded password Cany******** (fingerprint "), "{code} {said}");
    for stopped in [
        json!({"tool_name": "Edit", "tool_input": {"file_path": "app.env", "old_string": "A=1", "new_string": line}}),
        json!({"tool_name": "MultiEdit", "tool_input": {"file_path": "app.env", "edits": [{"old_string": "A", "new_string": line}]}}),
        json!({"tool_name": "Bash", "tool_input": {"command": format!("export GITHUB_TOKEN={TOKEN}")}}),
        json!({"toolName": "bash", "toolArgs": json!({"command": format!("curl -u admin:{SECRET} https://db.corp.net")}).to_string()}),
        json!({"hook_event_name": "beforeShellExecution", "command": format!("mysql -u root -p{SECRET} shop"), "cwd": "."}),
        json!({"hook_event_name": "beforeSubmitPrompt", "prompt": format!("The password is `{SECRET}`, log in with it")}),
    ] {
        let (code, said) = told(&place, &stopped);
        assert!(code == 2 && said.contains("sopup stopped this: it holds a secret."), "{stopped}: {code} {said}");
    }
}

#[test]
fn what_was_there_or_is_allowed_stops_no_agent() {
    let place = Place::repository();
    let line = format!("DB_PASSWORD={SECRET}\n");
    let write = |content: String| json!({"cwd": place.path(), "tool_input": {"file_path": "app.env", "content": content}});
    for passed in [
        write("DB_PASSWORD=${DB_PASSWORD}\n".into()),
        json!({"tool_input": {"file_path": "app.env", "old_string": line, "new_string": format!("{line}A=1\n")}}),
        json!({"tool_input": {"file_path": "app.env"}, "tool_response": {"content": line}}),
        json!({"hook_event_name": "Stop"}),
    ] {
        assert_eq!(told(&place, &passed), (0, String::new()), "{passed}");
    }
    place.write("app.env", &line);
    assert_eq!(told(&place, &write(format!("{line}A=1\n"))).0, 0);
    place.write("app.env", "");
    assert_eq!(told(&place, &write(line.clone())).0, 2);
    place.write(".sopup.yaml", format!("allow:\n  - value: '^{}$'\n    reason: a demo\n", SECRET.replace('.', "[.]")));
    assert_eq!(told(&place, &write(line)).0, 0);
}

#[test]
fn what_cannot_be_read_stops_an_agent() {
    let place = Place::repository();
    for input in ["", "[]", "{\"tool_input\": "] {
        let run = place.sopup_with(["hook", "agent"], input);
        assert!(run.code == 2 && run.stderr.contains("standard input is no JSON object"), "{}", run.stderr);
    }
    place.write(".sopup.yaml", "allow: 5\n");
    let run = place.sopup_with(["hook", "agent"], "{\"prompt\": \"hello\"}");
    assert!(run.code == 2 && run.stderr.contains(".sopup.yaml"), "{}", run.stderr);
}
