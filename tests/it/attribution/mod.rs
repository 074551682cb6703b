//! Where blobs and names were, compared with what the real `git` says of every commit.

mod hostile;
mod oracle;
mod random;
mod shapes;
