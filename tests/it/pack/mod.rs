//! Reading objects, with the real `git` as the oracle.

mod behaviour;
mod delta;
mod hostile;
mod repo;
mod shapes;
mod visit;
mod writer;
