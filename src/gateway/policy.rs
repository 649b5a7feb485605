//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it. Pure.
use crate::shared::actor::Administer;

pub type SetGuardrailPolicy = Administer;
pub type RemoveGuardrailPolicy = Administer;
