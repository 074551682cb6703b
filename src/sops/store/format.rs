//! [`Format`]: which store a file name asks for.

use super::binary::Binary;
use super::dotenv::Dotenv;
use super::ini::Ini;
use super::json::Json;
use super::yaml::Yaml;
use super::{Limits, Store, Style};

/// The file formats of sops.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// `.yaml`, `.yml`
    Yaml,
    /// `.json`
    Json,
    /// `.env`
    Dotenv,
    /// `.ini`
    Ini,
    /// Everything else: the whole file is one value.
    Binary,
}

impl Format {
    /// The format sops takes a file for. Only the end of the name counts: `.env.example` is binary.
    /// Source: sops' `cmd/sops/formats/formats.go`.
    #[must_use]
    pub fn from_path(path: &str) -> Self {
        let ends = |suffix: &str| path.ends_with(suffix);
        if ends(".yaml") || ends(".yml") {
            Self::Yaml
        } else if ends(".json") {
            Self::Json
        } else if ends(".env") {
            Self::Dotenv
        } else if ends(".ini") {
            Self::Ini
        } else {
            Self::Binary
        }
    }

    /// The format of an `--input-type` or `--output-type`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "dotenv" => Self::Dotenv,
            "ini" => Self::Ini,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    /// The store of the format.
    #[must_use]
    pub fn store(self, limits: Limits, style: Style) -> Box<dyn Store> {
        match self {
            Self::Yaml => Box::new(Yaml { limits, style }),
            Self::Json => Box::new(Json { limits, style }),
            Self::Dotenv => Box::new(Dotenv { limits }),
            Self::Ini => Box::new(Ini { limits }),
            Self::Binary => Box::new(Binary { limits, style }),
        }
    }
}
