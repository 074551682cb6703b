//! Weak passwords: literals that somebody typed as a password, though they are a default, a
//! dictionary word or a few digits.
//!
//! One policy for all places where a value can stand: what is read or run is a credential even if
//! it is `admin`; what says of itself that it stands in for one is not. Which values are such literals
//! is decided in `worth::weak`; here, whether their place says that they are used.

use super::name::{FULLWIDTH_COLON, NameClass, is_of_cluster, is_setter, is_unqualified_key, is_variable, last_name};
use super::place::{
    before, behind, ends_field, is_behind_option, is_default_of_variable, is_element, is_in_connection, is_label, is_line_of_shell,
    is_option, is_property, is_quoted, is_remark, is_setting_alone, is_variable_in_literal, name_is_quoted, stands_behind_option,
};
use super::signing;
use crate::detect::Reason;
use crate::detect::search::Search;
use crate::detect::syntax::bare::begins_escaped_line;
use crate::detect::syntax::embedded;
use crate::detect::syntax::hints::{Alone, Notation};
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::{before_quote, is_hashed};
use crate::detect::syntax::sentence::{self, goes_on};
use crate::detect::worth::placeholder::is_self_declared;
use crate::detect::worth::weak::{
    boasts, is_camel_words, is_encoded_text, is_joined_choice, is_joined_words, is_known, is_label_of_field, is_literal, is_sample,
    is_sample_of_settings, is_super, is_titled_word, is_two_letters, is_typed_secret, tells_what_belongs,
};
use crate::detect::worth::words::words;
use crate::rule::lexicon::{ABOUT_NAMES, BOASTS, KEY_ENDINGS, PASSWORDS, VALUE_NAMES, VARIABLE_ENDINGS};
use crate::rule::{Confidence, Extractor};
use crate::text::Span;

/// Records a value under a password's name if it is a literal.
pub(super) fn report(search: &mut Search<'_>, class: NameClass, value: &Value, why: Reason) -> bool {
    let blank = || !before(search, value.span).iter().any(|byte| b":=>|\"'".contains(byte));
    // In programs and tables `Password` is what a form shows, and `Pass` a result.
    let shown = || matches!(search.hints.notation, Notation::Source | Notation::Quoted) || blank();
    // `Password=Password`, `user.password=Password`
    let itself = || {
        let name = last_name(before(search, value.span).trim_ascii_end().strip_suffix(b"=").unwrap_or_default());
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        name == search.bytes(value.span) || last.len() < name.len() && last.eq_ignore_ascii_case(search.bytes(value.span))
    };
    let by_place = || matches!(why, Reason::NameValuePair | Reason::Table) || why == Reason::Name && (shown() || itself());
    let label = is_label_of_field(search.bytes(value.span)) && by_place();
    // To a shell, what stands between back-ticks is a command: "PWD=`pwd`".
    let command = search.hints.notation == Notation::Lines && before(search, value.span).ends_with(b"`");
    let is_set = || {
        is_set_to(search, class, value)
            || why == Reason::NameValuePair && is_of_container(search, class, value)
            || is_short_setting(search, class, value)
            || is_alone(search, value)
            || is_capital_word(search, class, value)
            || is_chosen_in_example(search, class, value)
            // ``Set the password to `boat_club` ``
            || why == Reason::Prose && class == NameClass::Password && is_joined_choice(search.bytes(value.span))
            || class == NameClass::Token && signs(search, value.span)
    };
    let fetched = || class == NameClass::Token && (is_of_external_secret(search, value.span) || is_id_of_application(search, value.span));
    if search.hints.binary
        || label
        || command
        || is_tested(before(search, value.span))
        || is_key_of_call(search, value.span)
        || !is_literal(search.bytes(value.span)) && !is_set()
        || fetched()
    {
        return false;
    }
    let sure = !value.uncertain && (is_sure(search, class, value.span, why) || is_set());
    // A machine's secret is generated; only a well-known word in its place is worth a word.
    if class == NameClass::Token && !sure {
        return false;
    }
    let confidence = if sure { Confidence::Medium } else { Confidence::Low };
    search.found(Extractor::WeakPassword, value.span, confidence, vec![why, Reason::Weak]);
    true
}

/// `[ "$PASSWORD" = "exit" ]`: a word that a script looks for.
fn is_tested(before: &[u8]) -> bool {
    let open = before_quote(before).unwrap_or(before).trim_ascii_end();
    let tested = open.strip_suffix(b"=").map(|rest| rest.strip_suffix(b"=").or(rest.strip_suffix(b"!")).unwrap_or(rest));
    tested
        .is_some_and(|rest| rest.trim_ascii_end().len() < rest.len() && rest.contains(&b'$') && memchr::memmem::find(rest, b"[ ").is_some())
}

/// `- secretKey: shop-token` and, a line or two below, `remoteRef:`: what an ExternalSecret calls what it fetches.
fn is_of_external_secret(search: &Search<'_>, value: Span) -> bool {
    const LINES: usize = 3;
    let mut line = Some(search.line_around(value.start));
    last_name(before(search, value)) == b"secretKey"
        && (0..LINES).any(|_| {
            line = line.and_then(|line| search.line_after(line));
            line.is_some_and(|line| memchr::memmem::find(search.bytes(line), b"remoteRef").is_some())
        })
}

/// `"AppKey": "shop"` above `"AppSecret": "…"`: which application it is.
fn is_id_of_application(search: &Search<'_>, value: Span) -> bool {
    let lower = |text: &[u8]| text.iter().filter(|byte| !matches!(byte, b'_' | b'-')).map(u8::to_ascii_lowercase).collect::<Vec<u8>>();
    let line = search.line_around(value.start);
    let secret = |line: Span| memchr::memmem::find(&lower(search.bytes(line)), b"appsecret").is_some();
    lower(last_name(before(search, value))).ends_with(b"appkey")
        && (secret(line) || search.lines_beside(line).into_iter().flatten().any(secret))
}

/// Whether a value is one that somebody typed where a program signs with it.
fn signs(search: &Search<'_>, value: Span) -> bool {
    let before = before(search, value);
    // `clientSecret: b0at-h4rbour` in an example of settings
    let example =
        || search.hints.notation == Notation::Prose && signing::begins_line(before, last_name(before)) && ends_field(search, value);
    let taken = search.hints.notation.is_settings() || is_quoted(search, value) || is_default_of_variable(before) || example();
    let typed = || signing::is_typed(search, before, value) || signing::is_secret_of_client(before, search.bytes(value));
    taken && !about_names(before) && typed()
}

/// `AUTH_SECRET=secret_for_refresh`, `password: dev-password`, `DB_PASSWORD: example`: what settings give a secret. Elsewhere
/// joined words such as these are the name of a secret that is kept in some store.
fn is_set_to(search: &Search<'_>, class: NameClass, value: &Value) -> bool {
    let (before, bytes) = (before(search, value.span), search.bytes(value.span));
    let name = last_name(before).rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let name = name.strip_suffix(b"_wo").unwrap_or(name);
    let open = before_quote(before).unwrap_or(before).trim_ascii_end();
    let option = open.strip_suffix(b"=").map_or(before, |rest| &rest[..rest.len() - last_name(rest).len()]);
    let given = [&b"-e "[..], b"--env "].iter().any(|command| option.ends_with(command));
    let exported = given || option.ends_with(b"export ");
    let read = search.hints.notation.is_settings();
    let settings = exported || read || is_property(search, value.span);
    let named =
        || words(&String::from_utf8_lossy(name)).last().is_some_and(|word| word.ends_with("password") || word.ends_with("passphrase"));
    let is_sample = is_sample(bytes) || read && is_sample_of_settings(bytes);
    let plain = class == NameClass::Password && (matches!(name, b"password" | b"userPassword") || is_sample && named());
    let assigned = before.trim_ascii_end().ends_with(b"=") || before.contains(&b':') || matches!(before, [.., b'"' | b'\'']);
    // `'password': shop_database_password` names a variable.
    if name_is_quoted(before) && !is_quoted(search, value.span) {
        return false;
    }
    if search.hints.notation == Notation::Lines && is_variable(name) && is_super(bytes) && ends_field(search, value.span) {
        return true;
    }
    let taken = settings || search.hints.notation == Notation::Quoted;
    if taken && assigned && !value.uncertain && ends_field(search, value.span) && is_encoded_text(bytes) {
        return true;
    }
    let sampled = settings || is_line_of_shell(before);
    // `"password": "SuperSecretPassword"`, `backuppassword => 'mypassword'`, `-pass SuperSecretPassword`
    let literal = || named() && is_quoted(search, value.span) || is_behind_option(before.trim_ascii_end());
    if class == NameClass::Password && !value.uncertain && boasts(bytes) && literal() {
        return true;
    }
    // `"TopologyPassword": "shop_client_password"`
    let field = || search.hints.notation == Notation::Prose && name_is_quoted(before) && before.trim_ascii_start().starts_with(b"\"");
    let listed = search.hints.notation == Notation::Quoted || field();
    let listed = class == NameClass::Password && listed && is_quoted(search, value.span) && named();
    let known = settings && plain || listed || is_variable(name) && VARIABLE_ENDINGS.ends(name) && !is_of_cluster(name);
    if value.uncertain || !assigned || !known || !given && !ends_field(search, value.span) {
        return false;
    }
    // `MYSQL_PASSWORD=Reykjavik`
    let titled = || is_variable(name) && before.ends_with(b"=") && is_titled_word(bytes);
    if class == NameClass::Password && sampled && (is_sample || titled()) {
        return true;
    }
    // `DB_PASSWORD: mysql_password`: what belongs here. In a file of variables it is what is set.
    let variables = class == NameClass::Password && search.hints.notation == Notation::Lines && !is_quoted(search, value.span);
    let tells = || class == NameClass::Password && (listed || !plain) && !variables && tells_what_belongs(name, bytes);
    // `-e DB_PASSWORD=BoatClub`
    let camel = || {
        let lowered = bytes.split_first().map(|(first, rest)| [&[first.to_ascii_lowercase()], rest].concat());
        given && !boasts(bytes) && lowered.is_some_and(|value| is_camel_words(&value))
    };
    let joined = is_joined_words(bytes) || variables && is_camel_words(bytes) || camel();
    (settings || listed) && joined && !names_itself(name, bytes) && !tells()
}

/// `root_pwd` in a file that holds a password and nothing else.
fn is_alone(search: &Search<'_>, value: &Value) -> bool {
    let bytes = search.bytes(value.span);
    search.hints.alone == Some(Alone::Password) && (is_joined_words(bytes) || is_camel_words(bytes))
}

/// `mysqlrootpwd="HARBOUR"`, `password: BOAT`: in a script, a word in quotes is no constant, nor is one in settings.
fn is_capital_word(search: &Search<'_>, class: NameClass, value: &Value) -> bool {
    let bytes = search.bytes(value.span);
    let before = before(search, value.span);
    let typed = (5..=20).contains(&bytes.len()) && search.hints.notation == Notation::Lines && before.ends_with(b"=\"");
    let field = matches!(before.trim_ascii(), b"password:" | b"password =" | b"password=");
    let set = (3..=20).contains(&bytes.len()) && search.hints.notation.is_settings() && field && ends_field(search, value.span);
    class == NameClass::Password
        && bytes.iter().all(u8::is_ascii_uppercase)
        && (typed || set)
        && !value.uncertain
        && !is_self_declared(bytes)
}

/// `    password = "link-password-no-one-knows"`: a line of settings that a document shows.
fn is_chosen_in_example(search: &Search<'_>, class: NameClass, value: &Value) -> bool {
    let before = before(search, value.span);
    let field = matches!(before.trim_ascii(), b"password = \"" | b"password: \"");
    let words = words(&String::from_utf8_lossy(search.bytes(value.span)));
    let says = words.len() > 3 && !words.iter().any(|word| BOASTS.has(word));
    class == NameClass::Password
        && says
        && search.hints.notation == Notation::Prose
        && field
        && ends_field(search, value.span)
        && is_joined_choice(search.bytes(value.span))
}

/// `MYSQL_PASSWORD: wp`: two letters are a password only where a variable of settings is given them.
fn is_short_setting(search: &Search<'_>, class: NameClass, value: &Value) -> bool {
    let before = before(search, value.span);
    let given = before.trim_ascii_end().strip_suffix(b":").or(before.strip_suffix(b"="));
    let variable = given.is_some_and(|name| is_variable(last_name(name)) && VARIABLE_ENDINGS.ends(last_name(name)));
    let property = || {
        let setting = given.is_some_and(|name| search.hints.notation.is_settings() && last_name(name).ends_with(b".password"));
        // `password: sa`
        let field = || {
            search.hints.notation == Notation::Yaml
                && before.trim_ascii() == b"password:"
                && !matches!(search.bytes(value.span), b"no" | b"on")
        };
        (setting || field()) && ends_field(search, value.span) || before.ends_with(b"name=\"password\" value=\"")
    };
    let element = || search.hints.notation != Notation::Source && is_element(search, value.span) && before.ends_with(b"<password>");
    let taken = || variable && ends_field(search, value.span) || property() || element();
    class == NameClass::Password && is_two_letters(search.bytes(value.span)) && taken()
}

/// `- name: DB_PASSWORD`, `value: fake_password`: what a container or a chart is given is read as it stands.
fn is_of_container(search: &Search<'_>, class: NameClass, value: &Value) -> bool {
    let bytes = search.bytes(value.span);
    let read = search.hints.notation == Notation::Yaml && (is_sample(bytes) || is_sample_of_settings(bytes) || is_joined_words(bytes));
    // `key = "DB_PASSWORD"` above `value = "boat_club_password"`
    let given = search.hints.notation == Notation::Quoted && is_joined_choice(bytes);
    class == NameClass::Password && !value.uncertain && ends_field(search, value.span) && (read || given)
}

/// `DB_PASSWORD: db-password`
fn names_itself(name: &[u8], value: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b) || *a == b'_' && *b == b'-';
    name.len() >= value.len() && name[name.len() - value.len()..].iter().zip(value).all(same)
}

/// `form.get("password")`, `value(body, "password")`: under which name something is looked up.
fn is_key_of_call(search: &Search<'_>, span: Span) -> bool {
    let [open @ .., b'"' | b'\''] = before(search, span) else { return false };
    let rest = behind(search, span);
    let closes = rest.get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b")"));
    // `getenv('DB_PASSWORD', 'password')`: what is taken if there is no such variable.
    let variable = || open.trim_ascii_end().strip_suffix(b",").and_then(before_quote).is_some_and(|open| is_variable(last_name(open)));
    let argument = open.ends_with(b"(") || open.trim_ascii_end().ends_with(b",") && open.contains(&b'(') && !variable();
    let set = || open.strip_suffix(b"(").is_some_and(|call| is_setter(last_name(call))) || is_hashed(search.text, span);
    closes && argument && !set() && {
        let text = String::from_utf8_lossy(search.bytes(span)).to_lowercase();
        PASSWORDS.has(&text) || VALUE_NAMES.has(&text)
    }
}

/// Whether the place of a value says that it is read as a password.
fn is_sure(search: &Search<'_>, class: NameClass, span: Span, why: Reason) -> bool {
    let value = search.bytes(span);
    let before = before(search, span);
    // `` `admin / 123456` ``
    let second = before.ends_with(b" / ") && behind(search, span).starts_with(b"`");
    let quoted = second || is_quoted(search, span);
    // `'passwords' => 'customers'`: who has them.
    let several = last_name(before).ends_with(b"passwords");
    let settings = search.hints.notation.is_settings();
    let code = matches!(search.hints.notation, Notation::Source | Notation::Quoted);
    // `secretkey: 'harbour123'`, `AuthSecret: harbour321`: a line of an example
    let example = || search.hints.notation == Notation::Prose && signing::begins_line(before, last_name(before));
    let whole = || quoted || behind(search, span).trim_ascii().is_empty();
    let field = || quoted && search.hints.notation == Notation::Quoted || example() && whole();
    let alone = class == NameClass::Token && is_setting_alone(search, span);
    if class == NameClass::Token
        && !((settings || alone || field()) && is_typed_secret(value) || !code && is_of_variable(before, value) && ends_field(search, span))
    {
        return false;
    }
    // `requirepass word` in a sentence and not on a line of its own, `password: # from the vault`
    let remark = || before.trim_ascii_start().starts_with(b"#");
    let instruction = [&b"ENV "[..], b"ARG "].iter().any(|word| before.trim_ascii_start().starts_with(word));
    let default = sentence::says_default(behind(search, span));
    let spoken = why == Reason::Name && !default && (search.hints.notation == Notation::Prose || remark()) && !quoted && !instruction && {
        let joint = before.trim_ascii_end();
        let option = is_behind_option(joint);
        let assigned = joint.last().is_some_and(|last| b":=>|*_".contains(last) || !last.is_ascii());
        let alone = last_name(before).len() == before.trim_ascii().len() && behind(search, span).trim_ascii().is_empty();
        let given = option && joint.last().is_some_and(u8::is_ascii_alphanumeric);
        // `# requirepass word`, as configurations come: the name is none of the words of sentences.
        let directive = || {
            let marks = joint.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'#')).count();
            let name = &joint[marks..];
            let own = matches!(name, b"requirepass" | b"masterauth") || name.contains(&b'_');
            remark() && own && name == last_name(joint) && behind(search, span).trim_ascii().is_empty()
        };
        // `Account / Password: admin / word`
        let paired = joint.ends_with(b"/") && (before.contains(&b':') || memchr::memmem::find(before, FULLWIDTH_COLON).is_some());
        joint.len() < before.len() && !(alone || assigned || given || paired || directive())
    };
    // `$ APP_PASS=word app serve`
    let variable = matches!(before, [.., last, b'='] if last.is_ascii_uppercase());
    // `uid=user,userPassword=password`: which field means what.
    let mapped = why == Reason::Name && !quoted && {
        let name = last_name(before);
        let ends = name.len() > value.len() && name[name.len() - value.len()..].eq_ignore_ascii_case(value);
        ends && before[..before.len() - name.len()].contains(&b',')
    };
    let prose = search.hints.notation == Notation::Prose && !stands_behind_option(before) || remark();
    // `password.empty = Password is required!`
    let titled = value.iter().skip(1).all(u8::is_ascii_lowercase) && value[0].is_ascii_uppercase();
    let in_sentence = (prose || titled) && !quoted && !variable && !default && goes_on(behind(search, span));
    // `login.password.upper=contain a capital`: to the end of the line it is what a program says.
    let said = || {
        let name = before.strip_suffix(b"=").unwrap_or_default();
        let text = behind(search, span).trim_ascii_end();
        let words = text.starts_with(b" ") && text.iter().all(|byte| byte.is_ascii_alphabetic() || b" .,'!".contains(byte));
        why == Reason::Name && words && name.contains(&b'.') && name.trim_ascii() == last_name(name)
    };
    // `- Password: BlueHarbour`, and no more on the line.
    let label = || {
        why == Reason::Name
            && is_label(before)
            && behind(search, span).trim_ascii().is_empty()
            && words(&String::from_utf8_lossy(value)).len() > 1
    };
    // `echo "Get the password: kubectl get secret …"`, `"Password: run 'vault read'"`, `<sealed-secret: shop-secrets>`
    let instructed = || {
        let rest = behind(search, span);
        let goes_on = matches!(rest, [b' ', b'\'' | b'`' | b'$', ..] | [b' ', b'-', b'-' | b'a'..=b'z', ..]);
        // `PASS: DaemonSet rollout complete`, `passwd:  files systemd`
        let text = || matches!(rest, [b' ', first, ..] if first.is_ascii_alphabetic() || *first == b'+');
        let goes_on = goes_on || search.hints.notation == Notation::Lines && !is_known(value) && text();
        goes_on && before.trim_ascii_end().ends_with(b":") || value.ends_with(b">") && before.contains(&b'<')
    };
    if about_names(before) || several || mapped || spoken || in_sentence || said() || !quoted && (value.starts_with(b"#") || instructed()) {
        return false;
    }
    match why {
        Reason::KubernetesSecret | Reason::Table | Reason::Prose => true,
        _ if search.hints.alone.is_some() => true,
        // `-- the administrator (password: admin123)`
        _ if is_remark(before) && value.iter().any(u8::is_ascii_alphabetic) && value.iter().any(u8::is_ascii_digit) && is_known(value) => {
            true
        }
        _ => match search.hints.notation {
            Notation::Lines | Notation::Yaml => true,
            Notation::Prose => quoted || !value.iter().any(u8::is_ascii_uppercase) || value.iter().any(u8::is_ascii_digit) || label(),
            Notation::Source | Notation::Quoted | Notation::Unknown => {
                let option = || search.hints.notation != Notation::Source && is_option(before);
                let escaped = || {
                    let name = before.trim_ascii_end().strip_suffix(b":").unwrap_or_default();
                    begins_escaped_line(&name[..name.len() - last_name(name).len()])
                };
                let default = || is_default_of_variable(before) && behind(search, span).starts_with(b"}");
                let embedded = || before.contains(&b':') && embedded::is_yaml(search, search.line_around(span.start));
                quoted
                    || alone
                    || is_variable_in_literal(search, before, span)
                    || is_element(search, span)
                    || is_in_connection(before, value)
                    || option()
                    || default()
                    || escaped()
                    || embedded()
            }
        },
    }
}

/// `JWT_SECRET=letmeinnow`, `SIGNING_KEY: hello`: one word for a variable of the environment, which is in capitals. Joined words
/// there can be the name of a secret that is kept elsewhere.
fn is_of_variable(before: &[u8], value: &[u8]) -> bool {
    let joint = before.trim_ascii_end();
    let joint = before_quote(joint).unwrap_or(joint).trim_ascii_end();
    let Some(name) = joint.strip_suffix(b"=").or(joint.strip_suffix(b":")).map(<[u8]>::trim_ascii_end) else { return false };
    let part = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_';
    let length = name.iter().rev().take_while(part).count();
    let key = KEY_ENDINGS.ends(name);
    let start = name.len() - length;
    let free = start == 0 || matches!(name[start - 1], b' ' | b'\t' | b'-' | b'"' | b'\'');
    let joined = name[start..].contains(&b'_') || length > 6;
    let word = value.iter().all(u8::is_ascii_alphanumeric) && value.iter().any(u8::is_ascii_alphabetic);
    // `MAIL_KEY=word` may be anything.
    !is_of_cluster(name)
        && !is_unqualified_key(last_name(name))
        && (free && joined || key)
        && word
        && (value.len() >= 5 || name.ends_with(b"VAULT_TOKEN") && value.eq_ignore_ascii_case(b"root"))
        && (value == b"ROOT" || !value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

/// Whether a constant holds the name of a field, and no value: `FIELD_PASSWORD = "pwd"`; or something is passed in another
/// sense: `pass_by_value`, `pass_through`.
fn about_names(before: &[u8]) -> bool {
    words(&String::from_utf8_lossy(last_name(before))).iter().rev().take(4).any(|word| ABOUT_NAMES.has(word))
}
