//! sopup
