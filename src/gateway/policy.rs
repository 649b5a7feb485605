//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it.
use crate::shared::actor::Administer;

/// Where calls go is a setting.
pub type SetRoute = Administer;
pub type RemoveRoute = Administer;
/// And so is what they may cost, and what they may hold.
pub type SetBudget = Administer;
pub type RemoveBudget = Administer;
pub type SetGuardrailPolicy = Administer;
pub type RemoveGuardrailPolicy = Administer;
/// And whether what people say to models is kept.
pub type KeepCallContents = Administer;
