//! The integration tests, one binary; modules mirror the rooms of the library.

mod pack;
