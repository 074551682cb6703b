//! The words that announce a secret in prose and in names, in the languages people leak in.
//!
//! They are keywords of the prefilter; whether a word is really a name with a value after it is
//! decided in `detect::assign`. Shared with `build.rs`; depends on nothing.

/// What a word announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// A password for people.
    Password,
    /// A token, key or another machine's secret.
    Token,
    /// The authority part of a URL.
    Url,
    /// An AWS account number.
    Account,
    /// A pair of user name and password in prose.
    Login,
    /// A cell of an HTML table.
    Cell,
}

/// Words by cue. ASCII letters match in either case; other letters are listed in the cases used.
const WORDS: &[(Cue, &[&str])] = &[
    (
        Cue::Password,
        &[
            "pass",
            "pwd",
            "pw:",
            "pw=",
            "_pw",
            "bindpw",
            "rootpw",
            "pw\"",
            "pw'",
            "pw`",
            "pw*",
            "kennwort",
            "mdp",
            "kata sandi",
            "mật khẩu",
            "Mật khẩu",
            "şifre",
            "Şifre",
            "jelszó",
            "Jelszó",
            "jelszo",
            "salasana",
            "adgangskode",
            "kodeord",
            "lozinka",
            "geslo",
            "口令",
            "รหัสผ่าน",
            "סיסמה",
            "κωδικός",
            "contraseña",
            "Contraseña",
            "CONTRASEÑA",
            "contrasena",
            "clave",
            "senha",
            "hasło",
            "Hasło",
            "haslo",
            "heslo",
            "wachtwoord",
            "lösenord",
            "Lösenord",
            "parola",
            "пароль",
            "Пароль",
            "ПАРОЛЬ",
            "密码",
            "密碼",
            "パスワード",
            "비밀번호",
        ],
    ),
    (
        Cue::Token,
        &[
            "secret",
            "token",
            "apikey",
            "api key",
            "_key",
            "-key",
            "accesskey",
            "access key",
            "privatekey",
            "encryptionkey",
            "signingkey",
            "masterkey",
            "authkey",
            "sharedkey",
            "shared key",
            "encryption key",
            "signing key",
            "license key",
            "master key",
            "authtok",
            "accountkey",
            "storagekey",
            "appkey",
            "sessionkey",
            "licensekey",
            "auth",
            "credential",
            "creds",
            "erlang cookie",
            "cookie",
            "salt",
            "psk",
            "jeton",
        ],
    ),
    (Cue::Url, &["://", "%3a%2f%2f"]),
    (Cue::Account, &["account", "arn:aws", ".dkr.ecr.", ".signin.aws.", "amazonaws.com/"]),
    (Cue::Cell, &["<td>"]),
    (
        Cue::Login,
        &[
            "login",
            "log in",
            "sign in",
            "signin",
            "logged in",
            "credentials",
            "zugangsdaten",
            "identifiants",
            "credenciales",
            "credenciais",
            "account is",
            "user is",
            "rotated from",
            "rotated to",
            "previous value",
            "old value",
            "admin:",
            "root:",
        ],
    ),
];

/// Every word with its cue, in a fixed order.
pub fn cue_words() -> impl Iterator<Item = (&'static str, Cue)> {
    WORDS.iter().flat_map(|&(cue, words)| words.iter().map(move |&word| (word, cue)))
}
