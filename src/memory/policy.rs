//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it.
//! A private memory is its writer's alone, and to others it does not exist.
use crate::shared::actor::Write;

pub type Remember = Write;
pub type ImportMemories = Write;
pub type ForgetMemory = Write;
pub type AddDocument = Write;
pub type CreateUpload = Write;
pub type ForgetDocument = Write;
pub type ExtractMemories = Write;
pub type AcceptMemories = Write;
pub type RejectMemories = Write;
pub type SupersedeMemory = Write;
pub type ForgetAbout = Write;
pub type MergeEntities = Write;
pub type SeparateEntities = Write;
