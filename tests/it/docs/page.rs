//! What a page says happens: read from its text, compared with what did, and written back.

use std::sync::LazyLock;

use regex::Regex;

use super::PROMISED;

/// A page, as the steps that happen in it.
pub(crate) struct Page {
    pub(crate) steps: Vec<Step>,
}

/// One of them, with its line in the page, from 1.
pub(crate) enum Step {
    /// A command, and what the page says that it prints.
    Command { line: usize, command: String, shown: String },
    /// A file as it is to be.
    File { path: String, content: String },
    /// Commands that readers do not see.
    Setup { line: usize, script: String },
}

impl Page {
    /// Reads a page; what it does not understand is an error with its line.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut steps = Vec::new();
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        while let Some((number, line)) = lines.next() {
            if let Some(script) = line.strip_prefix("<!-- run: ") {
                let script = script.strip_suffix(" -->").ok_or((number, "`<!-- run: …` does not end in its line".to_owned()))?;
                steps.push(Step::Setup { line: number, script: script.to_owned() });
            } else if line == "<!-- run" {
                let script: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "-->").collect();
                steps.push(Step::Setup { line: number, script: script.join("\n") });
            } else if line.starts_with("```") {
                let info = line.trim_start_matches('`');
                let fence = &line[..line.len() - info.len()];
                let block: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| *line != fence).collect();
                read_block(info, number, &block, &mut steps)?;
            } else if line.trim_start().starts_with("```") {
                return Err((number, "a block that is indented; blocks begin at the left margin".to_owned()));
            }
        }
        Ok(Self { steps })
    }

    /// How many commands it shows.
    pub(crate) fn commands(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Command { .. })).count()
    }
}

fn read_block(info: &str, number: usize, block: &[(usize, &str)], steps: &mut Vec<Step>) -> Result<(), (usize, String)> {
    let text_of = |block: &[(usize, &str)]| block.iter().map(|(_, line)| format!("{line}\n")).collect::<String>();
    if let Some(path) = info.split_whitespace().find_map(|word| word.strip_prefix("file=")) {
        steps.push(Step::File { path: path.to_owned(), content: text_of(block) });
        return Ok(());
    }
    if info != "console" || PROMISED.iter().any(|(_, command)| text_of(block) == format!("{command}\n")) {
        return Ok(());
    }
    let mut lines = block.iter().peekable();
    if !lines.peek().is_some_and(|(_, line)| line.starts_with("$ ")) {
        return Err((number, "a ```console block begins with `$ ` and a command; what is not run is ```sh or ```text".to_owned()));
    }
    while let Some((mut line, first)) = lines.next().copied() {
        let mut command = first.strip_prefix("$ ").unwrap_or(first).to_owned();
        while command.ends_with('\\') {
            let (number, next) = lines.next().ok_or((line, "the command goes on behind the block".to_owned()))?;
            command = format!("{command}\n{next}");
            line = *number;
        }
        let mut shown = String::new();
        while let Some((_, output)) = lines.next_if(|(_, line)| !line.starts_with("$ ")) {
            shown.push_str(output);
            shown.push('\n');
        }
        steps.push(Step::Command { line, command, shown });
    }
    Ok(())
}

/// What differs from run to run, and what stands for it in a comparison. The borders of words are those of ASCII: the
/// tables of Unicode are not built in.
static VOLATILE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9]+(\.[0-9]+)? (ms|s)\b", "TIME"),
        (r"\b[0-9.,]+ ([kMG]i?)?B\b", "SIZE"),
        (r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9:.]+Z?)?\b", "DATE"),
        (r"\bage1[0-9a-z]{58}\b", "RECIPIENT"),
        (r"ENC\[AES256_GCM,[^\]]*\]", "ENC"),
        (r"\b[0-9a-f]{7,64}\b", "HASH"),
    ]
    .map(|(pattern, name)| (Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).expect("it compiles"), name))
    .into()
});

fn without_volatile(text: &str) -> String {
    let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    VOLATILE.iter().fold(text.join("\n"), |text, (pattern, name)| pattern.replace_all(&text, *name).into_owned())
}

/// Whether what was printed is what the page shows.
pub(crate) fn same(shown: &str, printed: &str) -> bool {
    let pattern: Vec<String> = without_volatile(shown)
        .lines()
        .map(|line| match line {
            "…" => "(?:[^\n]*\n)*?".to_owned(),
            line => regex::escape(line).replace('…', "[^\n]*") + "\n",
        })
        .collect();
    let pattern = Regex::new(&format!(r"\A{}\z", pattern.concat())).expect("what is escaped compiles");
    pattern.is_match(&match without_volatile(printed).as_str() {
        "" => String::new(),
        text => format!("{text}\n"),
    })
}

/// The page with other outputs below the commands that end in these lines.
pub(crate) fn with_outputs(text: &str, outputs: &[(usize, &str)]) -> String {
    let mut written = String::new();
    let mut replaced = false;
    for (index, line) in text.lines().enumerate() {
        replaced &= !line.starts_with("$ ") && !line.starts_with("```");
        if !replaced {
            written.push_str(line);
            written.push('\n');
        }
        if let Some((_, output)) = outputs.iter().find(|(number, _)| *number == index + 1) {
            for line in output.trim_end().lines() {
                assert!(!line.starts_with("```"), "an output would end its block: {line}");
                written.push_str(line.trim_end());
                written.push('\n');
            }
            replaced = true;
        }
    }
    written
}

#[test]
fn outputs_are_compared_but_for_what_differs_from_run_to_run() {
    assert!(same("3 files in 10 ms\n", "3 files in 1.2 s\n"));
    assert!(!same("3 files in 10 ms\n", "4 files in 10 ms\n"));
    assert!(same("a\n…\nz\n", "a\nb\nc\nz\n") && same("a\n…\nz\n", "a\nz\n") && !same("a\n…\nz\n", "a\nb\n"));
    assert!(same("key: …\n", "key: x\n") && !same("key: …\n", "other: x\n") && !same("", "x\n") && same("", ""));
    assert!(same("fingerprint 8e041dd8e99f7689d59af480", "fingerprint 1c336330c9a58951a8501b02\n"));
}

#[test]
fn pages_are_read_and_written_back() {
    let text = "<!-- run: true -->\n```yaml file=a.yaml\na: 1\n```\n```console\n$ cat \\\n  a.yaml\nb\n$ true\n```\nend\n";
    let page = Page::parse(text).unwrap_or_else(|(line, message)| panic!("{line}: {message}"));
    assert_eq!((page.steps.len(), page.commands()), (4, 2));
    let Step::Command { line, command, shown } = &page.steps[2] else { panic!("the third is a command") };
    assert_eq!((*line, command.as_str(), shown.as_str()), (7, "cat \\\n  a.yaml", "b\n"));
    assert_eq!(with_outputs(text, &[(7, "a: 1\n")]), text.replace("\nb\n", "\na: 1\n"));
    for wrong in ["```console\nls\n```\n", "  ```sh\n", "<!-- run: true\n"] {
        assert!(Page::parse(wrong).is_err(), "{wrong}");
    }
}
