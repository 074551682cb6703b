//! Languages of programs, and how each reads a variable of the environment.

use crate::migrate::file::SourceFile;

/// How a language reads a variable of the environment; `{}` is its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lookup {
    /// It stops where the variable is not set, and names it.
    Stops(&'static str),
    /// It goes on with nothing.
    GoesOn(&'static str),
    /// It takes more than an edit.
    ByHand(&'static str),
}

/// The end of a file's name, or what stands for it where its first line names the program that reads it.
pub(super) fn language(file: &SourceFile) -> &str {
    let marked = || {
        let first = file.text()?.lines().next().filter(|line| line.starts_with("#!"))?;
        [("perl", "pl"), ("python", "py"), ("ruby", "rb"), ("php", "php"), ("node", "js")]
            .into_iter()
            .find_map(|(program, end)| first.contains(program).then_some(end))
    };
    match file.name().rsplit_once('.') {
        Some((_, end)) if !end.contains(['-', '_']) => end,
        _ => marked().unwrap_or(""),
    }
}

pub(super) fn lookup(file: &SourceFile) -> Option<Lookup> {
    use Lookup::{ByHand, GoesOn, Stops};
    let end = language(file);
    let imports = |line: &str| file.text().is_some_and(|text| text.lines().any(|one| one.trim_end() == line));
    Some(match end {
        "py" => Stops("os.environ[\"{}\"]"),
        "ipynb" => GoesOn("os.environ['{}']"),
        "js" | "mjs" | "cjs" | "jsx" => GoesOn("process.env.{}"),
        "ts" | "tsx" | "mts" | "cts" => GoesOn("process.env.{}!"),
        "rb" => Stops("ENV.fetch(\"{}\")"),
        // An exception within an expression: since PHP 8.
        "php" => GoesOn("(getenv('{}') ?: throw new \\RuntimeException('{} is not set'))"),
        "java" | "groovy" => Stops("java.util.Objects.requireNonNull(System.getenv(\"{}\"), \"{} is not set\")"),
        "gradle" => GoesOn("System.getenv(\"{}\")"),
        "scala" => Stops("sys.env(\"{}\")"),
        "kt" | "kts" => Stops("(System.getenv(\"{}\") ?: error(\"{} is not set\"))"),
        "cs" if imports("using System;") => {
            Stops("(Environment.GetEnvironmentVariable(\"{}\") ?? throw new InvalidOperationException(\"{} is not set\"))")
        }
        "cs" => {
            Stops("(System.Environment.GetEnvironmentVariable(\"{}\") ?? throw new System.InvalidOperationException(\"{} is not set\"))")
        }
        "ex" | "exs" => Stops("System.fetch_env!(\"{}\")"),
        "go" => GoesOn("os.Getenv(\"{}\")"),
        "rs" => ByHand("std::env::var(\"{}\")"),
        "swift" => ByHand("ProcessInfo.processInfo.environment[\"{}\"]"),
        "c" | "cc" | "cpp" | "h" | "hpp" => ByHand("getenv(\"{}\")"),
        "pl" | "pm" | "t" => Stops("($ENV{'{}'} // die '{} is not set')"),
        "dart" | "lua" | "vb" | "fs" | "clj" | "r" | "R" | "vue" | "svelte" => ByHand("a variable {} of the environment"),
        _ => return None,
    })
}

/// Whether what is read from the environment in this language is never nothing: it can stand where an alternative stood.
pub(super) fn never_null(file: &SourceFile) -> bool {
    matches!(language(file), "py" | "rb" | "ex" | "exs")
}
