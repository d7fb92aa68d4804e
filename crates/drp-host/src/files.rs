//! The static file space: what `/files` holds. Nothing outside of it can be reached, not even by a symbolic link.

mod name;
mod space;
mod staging;
mod unpack;
mod upload;
mod walk;

pub(crate) use self::{
    name::FileName,
    space::{FileError, Files, OpenFile},
    unpack::{UnpackError, Wanted},
    upload::Upload,
};
