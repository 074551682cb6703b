//! Shell scripts: the value gives way to a variable that must be set; `sops exec-env` sets it.

use super::quote::{Quote, expand, literal, run_with, script, shell_quote, shell_value, told};
use super::{Anchors, Rewriter, compose, dotenv, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::migrate::scripts::stops;
use crate::secret::Secret;
use crate::text::{Span, shell_word};

/// `*.sh`, files that start with a shell's `#!`, PowerShell.
pub(super) struct Shell;

impl Rewriter for Shell {
    fn id(&self) -> &'static str {
        "shell"
    }

    fn takes(&self, file: &SourceFile) -> bool {
        let Some(text) = file.text() else { return false };
        let first = text.lines().next().unwrap_or("");
        let program = first.strip_prefix("#!").map(|line| line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word)));
        let mut program = program.into_iter().flatten().skip_while(|word| *word == "env" || word.starts_with('-'));
        let marked = program.next().is_some_and(|name| ["sh", "bash", "zsh", "dash", "ksh", "ash"].contains(&name));
        marked || is_powershell(file) || [".sh", ".bash", ".zsh", ".envrc"].iter().any(|end| file.name().ends_with(end))
    }

    fn anchors(&self) -> Anchors {
        Anchors::Here
    }

    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>) {
        let Some(text) = file.text() else { return };
        // What scripts of one folder share is kept once, as long as none of them gets what it does not have now.
        let values: Vec<&Secret> = sites.iter().map(|site| &site.secret).collect();
        let named = sites.iter().any(|site| compose::default_of(text, site.span).is_some());
        let shared = if named { None } else { draft.of_neighbour(self.id(), file, &values) };
        for &site in sites {
            let line = file.line_at(site.span.start);
            if site.span.end > line.end {
                draft.manual(self.id(), file, &[site], "it spans lines: read it from a file that sops decrypts");
                continue;
            }
            let own = || format!("{}{}", file.folder(), words::of_file(file));
            let store = shared.unwrap_or_else(|| draft.store(&own(), ".sops.env", &Shape::Keys, &file.path));
            self.one(file, text, line, (site, store), draft);
        }
    }
}

fn is_powershell(file: &SourceFile) -> bool {
    file.name().ends_with(".ps1") || file.name().ends_with(".psm1")
}

impl Shell {
    fn one(&self, file: &SourceFile, text: &str, line: Span, (site, store): (&Site, usize), draft: &mut Draft<'_>) {
        let before = &text[line.start..site.span.start];
        let powershell = is_powershell(file);
        if file.is_filled_by_terraform() {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "a template, which reads `${…}` itself: hand the value in where it is filled in",
            );
        }
        let heredoc = if powershell { None } else { heredoc(&text[..line.start]) };
        let Some(quote) = quote_in(heredoc, &text[line.range()], site.span.start - line.start) else {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "it stands in a here-document that expands nothing: take the quotes off its end word first",
            );
        };
        let raw = &text[site.span.range()];
        let value = if powershell { site.secret.clone() } else { shell_value(raw, quote) };
        let default = compose::default_of(text, site.span).filter(|_| !powershell && quote != Quote::Single);
        if default.is_some_and(|(name, _)| compose::has_other_default(text, name, raw)) {
            return draft.manual(self.id(), file, &[site], compose::TWO_DEFAULTS);
        }
        let escaped = if powershell { raw.contains('`') } else { before.ends_with("$'") || raw.starts_with("$'") };
        if escaped {
            return draft.manual(
                self.id(),
                file,
                &[site],
                "written with escapes that sopup does not read: read it from the environment by hand",
            );
        }
        let same = draft.same_in(store, &value).filter(|_| default.is_none());
        let id = same.unwrap_or_else(|| {
            if let Some((name, _)) = default {
                return draft.put(store, &[name], &value);
            }
            let mut name = variable(text, before, &text[site.span.end..line.end], site);
            if !powershell && is_for_one_command(before, &text[site.span.end..line.end]) {
                name = format!("{}_{name}", naming::variable(&words::of_file(file)));
            }
            let name = free(name, file, text, site);
            draft.put(store, &[&name], &value)
        });
        let name = super::container::key_of(id, draft);
        let path = draft.path_of(store).to_owned();
        let comment = before.trim_start().starts_with('#');
        let new_is_expansion = !comment && !powershell;
        let (span, new) = match () {
            () if comment && powershell => (site.span, format!("$env:{name}")),
            () if comment => (site.span, format!("${name}")),
            () if powershell => {
                let Some(span) = powershell_word(text, site.span, quote) else {
                    return draft.manual(self.id(), file, &[site], "it stands in a string that expands nothing: use double quotes first");
                };
                (span, format!("$(if ($env:{name}) {{ $env:{name} }} else {{ throw '{name} must be {}' }})", told(&path)))
            }
            () => {
                // The whole expansion gives way if its variable can have the value.
                let span = default.filter(|(known, _)| *known == name).map_or(site.span, |(_, span)| span);
                let again = !repeated(text, site.span, line.end).is_empty();
                without_empty_quotes(text, span, expand(&format!("${{{name}:?{}}}", told(&path)), quote), quote != Quote::Single || again)
            }
        };
        let splice = |span: Span| Action::Splice { file: file.path.clone(), span, text: new.clone() };
        let again = repeated(text, site.span, line.end).into_iter().filter(|_| new_is_expansion);
        let mut actions: Vec<Action> = std::iter::once(span).chain(again).map(splice).collect();
        actions.extend(dotenv::companions(draft, store));
        let run = run_with(file, &path, &started(&file.path, draft));
        let verdict = match doubt(text, line, site, (heredoc.is_some(), comment)) {
            _ if file.is_template() => {
                Verdict::review(format!("a template: what fills it in may read `${{…}}` itself; {path} has the value"))
            }
            _ if comment => Verdict::safe(format!("only a comment has it; a script that uses it is run with `{run}`")),
            Some(why) => Verdict::review(format!("{why}; run with `{run}`")),
            None => match draft.repo.scripts().sourcing(&file.path) {
                Some(other) => {
                    Verdict::review(format!("{other} reads it in: run that with `{}`", run_with(file, &path, &started(other, draft))))
                }
                None => Verdict::safe(format!("run with `{run}`; without it the script stops and says so")),
            },
        };
        draft.step(self.id(), file, &[site], verdict, actions, vec![id]);
    }
}

/// Of `'`, an expansion in double quotes and `'`, what is needed where a single quote stands beside it.
fn without_empty_quotes(text: &str, span: Span, expansion: String, is_whole: bool) -> (Span, String) {
    let inner = expansion.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|_| !is_whole);
    let Some(inner) = inner else { return (span, expansion) };
    let (opens, closes) = (text[..span.start].ends_with('\''), text[span.end..].starts_with('\''));
    let span = Span::new(span.start - usize::from(opens), span.end + usize::from(closes));
    (span, format!("{}{inner}{}", if opens { "" } else { "'" }, if closes { "" } else { "'" }))
}

/// What starts a script: its name, or the shell that reads it.
fn started(path: &str, draft: &Draft<'_>) -> String {
    let by = |program: &str| shell_word(&format!("{program} {}", shell_word(path)));
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "ps1" => by("pwsh -File"),
        _ if draft.repo.is_executable(path) => script(path),
        "zsh" => by("zsh"),
        _ => by("bash"),
    }
}

/// How many lines a command substitution is followed.
const SUBSTITUTION: usize = 20;

/// Why a script may go on without the value, or with the text of the expansion: it stands in a string that began on an earlier
/// line, or where the end of a shell ends only a part of the script.
pub(super) fn doubt(text: &str, line: Span, site: &Site, (in_heredoc, comment): (bool, bool)) -> Option<&'static str> {
    if comment {
        return None;
    }
    if in_heredoc {
        // The command that reads it fails, and with it the script, if it stops where one does.
        let substituted = text[..line.start].rfind("<<").is_some_and(|at| {
            let opener = text[..at].rsplit('\n').next().unwrap_or_default();
            opener.contains("$(") || opener.contains('`') || opener.contains("| ") || opener.trim_start().starts_with("if ")
        });
        return (substituted || !stops(text))
            .then_some("where a command fails for a here-document without the value, the script may go on");
    }
    if !ends_outside_of_strings(&text[..line.start]) {
        return Some("it may stand in a string that began on an earlier line, in which nothing is expanded");
    }
    let (before, after) = (&text[line.start..site.span.start], &text[site.span.end..line.end]);
    let after = after.trim_end();
    // `echo "secret: VALUE"`; what is handed on, or written to a file, is more than a message.
    let message = ["echo ", "printf "].iter().find_map(|command| before.trim_start().strip_prefix(command));
    let message = message.and_then(|message| without_options(message).strip_prefix('"'));
    if message.is_some_and(|message| message.trim().contains([' ', '='])) && !after.contains(['|', '>']) {
        return Some("it is only printed here, and whatever uses the value is elsewhere");
    }
    let count = |mark: char| before.matches(mark).count();
    let opened = text[..line.start].rfind("$(").is_some_and(|at| {
        let rest = &text[at..line.start];
        rest.matches('(').count() > rest.matches(')').count() && rest.matches('\n').count() <= SUBSTITUTION
    });
    let inside = opened || count('(') > count(')') || count('`') % 2 == 1;
    let part = after.contains(" | ") || before.contains(" | ") || after.ends_with('&') && !after.ends_with("&&");
    (inside || part).then_some("without the value only a part of the script stops here, and the rest goes on")
}

/// What a command is given behind its options.
fn without_options(mut arguments: &str) -> &str {
    arguments = arguments.trim_start();
    while let Some((_, rest)) = arguments.split_once(' ').filter(|(option, _)| option.starts_with('-')) {
        arguments = rest.trim_start();
    }
    arguments
}

/// Whether a script is outside of quotes and here-documents at its end, as far as one can tell.
fn ends_outside_of_strings(text: &str) -> bool {
    let mut quote = Quote::Bare;
    let mut here: Option<String> = None;
    for line in text.lines() {
        if let Some(end) = &here {
            if line.trim_start_matches('\t') == end {
                here = None;
            }
            continue;
        }
        let (mut escaped, mut before) = (false, ' ');
        for c in line.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Quote::Bare | Quote::Double, '\\') => escaped = true,
                (Quote::Bare, '#') if before.is_whitespace() || before == ';' => break,
                (Quote::Bare, '\'') => quote = Quote::Single,
                (Quote::Bare, '"') => quote = Quote::Double,
                (Quote::Single, '\'') | (Quote::Double, '"') => quote = Quote::Bare,
                _ => {}
            }
            before = c;
        }
        if quote == Quote::Bare {
            here = here_word(line).map(|(word, _)| word);
        }
    }
    quote == Quote::Bare
}

/// Where a value stands again in the same string, on a line of its own: `"VALUE\\nVALUE"`, as `passwd` reads it.
fn repeated(text: &str, span: Span, line_end: usize) -> Vec<Span> {
    let value = &text[span.range()];
    let mut found = Vec::new();
    let mut at = span.end;
    while let Some(rest) = text[at..line_end].strip_prefix("\\n").and_then(|rest| rest.strip_prefix(value)) {
        if !rest.starts_with(['"', '\'', '\\']) {
            break;
        }
        found.push(Span::new(at + 2, at + 2 + value.len()));
        at += 2 + value.len();
    }
    found
}

/// Whether a value is assigned for one command only, as in `PGPASSWORD=x psql`: other commands of the script are not to see
/// it, so what `sops exec-env` sets must be called otherwise.
fn is_for_one_command(before: &str, after: &str) -> bool {
    let is_assignment = |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && !name.starts_with('-'));
    let start = before.rsplit([';', '|', '&', '(', '`']).next().unwrap_or(before);
    let only_assigned = start.contains('=')
        && start.split_whitespace().all(|word| {
            is_assignment(word) || matches!(word, "env" | "sudo" | "then" | "do" | "else" | "!" | "time" | "if" | "while" | "until" | "{")
        });
    let rest = after.trim_start_matches(['"', '\'']);
    let mut words = rest.split_whitespace().skip_while(|word| is_assignment(word));
    only_assigned && rest.starts_with([' ', '\t']) && words.next().is_some_and(|word| !word.starts_with([';', '|', '&', '#', ')', '}']))
}

/// What gives way to an expression in PowerShell: a whole string, or a part of one in double quotes.
fn powershell_word(text: &str, span: Span, quote: Quote) -> Option<Span> {
    match literal(text, span) {
        Some((whole, _)) => Some(whole),
        None => (quote != Quote::Single).then_some(span),
    }
}

/// What the variable is called: what the value is assigned to, what its rule says, or the command it is an argument of.
fn variable(text: &str, before: &str, after: &str, site: &Site) -> String {
    // Blanks around the sign: an assignment in PowerShell, two words in other shells.
    let sign = before.trim_end_matches(['"', '\'']);
    let assigned = words::assigned(text, site.span).filter(|name| (sign.ends_with('=') || before.contains('$')) && !name.contains('.'));
    if let Some(name) = assigned {
        return naming::variable(name);
    }
    let command = before.rsplit(['|', ';', '&', '(']).next().unwrap_or(before);
    let is_command = |word: &&str| !word.contains('=') && !word.starts_with('-') && !BEFORE_COMMANDS.contains(word);
    let word = command.split_whitespace().find(is_command).unwrap_or("");
    let word = naming::slug(word.rsplit('/').next().unwrap_or(word));
    if matches!(word.as_str(), "echo" | "printf" | "sed" | "cat" | "grep") {
        let name = piped_to(before, after).map_or_else(|| words::kind(site).to_owned(), |user| format!("{user}_{}", words::kind(site)));
        return naming::variable(&name);
    }
    let by_rule = words::by_rule(site);
    let name = match () {
        () if by_rule.starts_with(&word) || site.rule.env.is_some() => by_rule,
        () if word.ends_with(words::kind(site)) => word,
        () => format!("{word}_{}", words::kind(site)),
    };
    naming::variable(&name)
}

/// What stands before a command and says nothing of it.
const BEFORE_COMMANDS: [&str; 10] = ["!", "do", "else", "env", "exec", "if", "sudo", "then", "time", "while"];

/// Whose password is printed: `echo USER:VALUE | chpasswd`, `echo VALUE | passwd USER`.
fn piped_to(before: &str, after: &str) -> Option<String> {
    let (_, reader) = after.split_once('|')?;
    let mut words = reader.split_whitespace().skip_while(|word| *word == "sudo");
    let user = match words.next()? {
        "chpasswd" => before.strip_suffix(':')?.rsplit([' ', '"', '\'']).next()?,
        "passwd" => words.find(|word| !word.starts_with('-')).filter(|word| !word.starts_with(['>', '2', '|', '&']))?,
        _ => return None,
    };
    Some(naming::slug(user)).filter(|user| !user.is_empty())
}

/// A name that means nothing else in the script: what the script sets itself would win over what `sops exec-env` sets.
fn free(wanted: String, file: &SourceFile, text: &str, site: &Site) -> String {
    let blanks: &[char] = if is_powershell(file) { &[' '] } else { &[] };
    // Shells and other scripts have variables of these names.
    let generic = usize::from(words::is_generic(&wanted));
    let mut names = naming::variables(&wanted, &words::of_file(file)).skip(generic);
    names.find(|name| !is_used(name, text, site, blanks)).unwrap_or(wanted)
}

/// Whether a script uses a name for something else than a place. Where the place is assigned to it, the script may read it,
/// but nothing else may set it. `blanks` may stand around the sign of an assignment.
fn is_used(name: &str, text: &str, site: &Site, blanks: &[char]) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let assigned = text[..site.span.start].trim_end_matches(['"', '\'']).trim_end_matches(blanks).strip_suffix('=');
    let assigned = assigned.map(|before| before.trim_end_matches(blanks));
    let own = assigned.filter(|before| before.ends_with(name)).map(|before| before.len() - name.len());
    let own = own.filter(|at| !text[..*at].ends_with(is_word) && !text[..*at].ends_with('-'));
    let sets = |at: usize| {
        let (line, rest) = (text[..at].rsplit('\n').next().unwrap_or_default(), &text[at + name.len()..]);
        let rest = rest.trim_start_matches(blanks);
        let value = rest.strip_prefix("+=").or_else(|| rest.strip_prefix('=').filter(|value| !value.starts_with('=')));
        let same =
            |value: &str| value.trim_start_matches(blanks).trim_start_matches(['"', '\'']).as_bytes().starts_with(site.secret.expose());
        let commands = ["read", "for", "unset", "getopts", "mapfile", "readarray", "printf", "select"];
        let named = line.split(|c: char| !is_word(c)).any(|word| commands.contains(&word)) && !line.ends_with(['$', '{']);
        value.is_some_and(|value| !same(value)) || named
    };
    let whole = |at: &usize| !text[..*at].ends_with(is_word) && !text[*at + name.len()..].starts_with(is_word);
    let mut others = text.match_indices(name).map(|(at, _)| at).filter(whole).filter(|at| Some(*at) != own);
    if own.is_some() { others.any(sets) } else { others.next().is_some() }
}

/// A here-document that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heredoc {
    /// Variables are expanded.
    Expanding,
    /// Nothing is.
    Literal,
}

/// The word that ends the here-document which a line begins, and whether it is quoted.
fn here_word(line: &str) -> Option<(String, bool)> {
    let (_, rest) = line.split_once("<<")?;
    let rest = rest.trim_start_matches(['-', '~']).trim_start();
    if rest.starts_with('<') {
        return None;
    }
    let quoted = rest.starts_with(['\'', '"', '\\']);
    let word: String = rest.trim_start_matches(['\'', '"', '\\']).chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some((word, quoted))
}

/// In what quotes a place of a line is; `None` where nothing is expanded.
pub(super) fn quote_in(heredoc: Option<Heredoc>, line: &str, at: usize) -> Option<Quote> {
    match heredoc {
        Some(Heredoc::Literal) => None,
        Some(Heredoc::Expanding) => Some(Quote::Double),
        None => Some(shell_quote(line, at)),
    }
}

/// The here-document that is open at the end of a text.
pub(super) fn heredoc(before: &str) -> Option<Heredoc> {
    let mut open: Option<(String, Heredoc)> = None;
    for line in before.lines() {
        if let Some((end, _)) = &open {
            if line.trim_start_matches('\t') == end {
                open = None;
            }
            continue;
        }
        open = here_word(line).map(|(word, quoted)| (word, if quoted { Heredoc::Literal } else { Heredoc::Expanding }));
    }
    open.map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_script_sets_itself_are_not_taken() {
        let used = |name: &str, text: &str| {
            let at = text.find("Zq9wLm2x").expect("is there");
            let secret = crate::secret::Secret::new(b"Zq9wLm2x".to_vec());
            let key = crate::finding::FingerprintKey::new(vec![7; 32]).expect("a key");
            let rule = crate::rule::RuleSet::builtin().rules().next().expect("a rule");
            let site = Site {
                span: Span::new(at, at + 8),
                line: 1,
                fingerprint: key.fingerprint(&secret),
                secret,
                rule,
                confidence: crate::rule::Confidence::High,
            };
            is_used(name, text, &site, if text.contains("$env:") { &[' '] } else { &[] })
        };
        for text in [
            "PASSWORD=\"${1:-none}\"\nkubectl --from-literal=password=Zq9wLm2x",
            "read -rs PASSWORD\nx --password=Zq9wLm2x",
            "x --password=Zq9wLm2x\necho $PASSWORD",
            "PASSWORD=Zq9wLm2x\nPASSWORD=other",
            "export PASSWORD='Zq9wLm2x'\nfor PASSWORD in a b; do x; done",
            "PASSWORD=Zq9wLm2x\nread PASSWORD",
            "$env:PASSWORD = \"Zq9wLm2x\"\n$env:PASSWORD = \"other\"",
        ] {
            assert!(used("PASSWORD", text), "{text}");
        }
        for text in [
            "export PASSWORD=Zq9wLm2x\necho \"$PASSWORD\"",
            "PASSWORD=Zq9wLm2x a\nPASSWORD=\"Zq9wLm2x\" b",
            "PASSWORD=Zq9wLm2x\nMY_PASSWORD=x\n[ $PASSWORD == y ]\nfor a in $PASSWORD; do x; done",
            "kubectl --from-literal=password=Zq9wLm2x",
            "$env:PASSWORD = \"Zq9wLm2x\"\nlogin $env:PASSWORD",
        ] {
            assert!(!used("PASSWORD", text), "{text}");
        }
    }

    #[test]
    fn values_for_one_command_are_told_from_those_of_the_script() {
        for (before, after) in [("PGPASSWORD=", " psql -c x"), ("  A=1 PGPASSWORD='", "' \\"), ("x && TOKEN=\"", "\" B=2 run")] {
            assert!(is_for_one_command(before, after), "{before}…{after}");
        }
        for (before, after) in
            [("PGPASSWORD=", ""), ("export PGPASSWORD=", " X=1"), ("A=", " B=2"), ("A=", " # psql"), ("A=", "; psql"), ("psql -p A=", " b")]
        {
            assert!(!is_for_one_command(before, after), "{before}…{after}");
        }
    }

    #[test]
    fn here_documents_are_seen() {
        assert_eq!(heredoc("cat <<EOF\nx\n"), Some(Heredoc::Expanding));
        assert_eq!(heredoc("cat <<-'EOF' | sh\nx\n"), Some(Heredoc::Literal));
        assert_eq!(heredoc("cat <<EOF\nx\nEOF\n"), None);
        assert_eq!(heredoc("grep x <<< \"$y\"\n"), None);
    }
}
