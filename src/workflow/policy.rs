//! What each change of the slice needs of who asks for it: the use cases check by it, and `viewerCan` tells by it.
use crate::shared::actor::Write;

pub type CreateWorkflow = Write;
pub type UpdateWorkflow = Write;
pub type PublishWorkflow = Write;
pub type StartRun = Write;
pub type CancelRun = Write;
pub type DecideApproval = Write;
