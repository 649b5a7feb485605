//! Tells of the fields of a request that asked for it. A schema of its own: for all others, fields are resolved without
//! an extension.
use crate::shared::explain;
use async_graphql::{
    QueryPathNode, QueryPathSegment, ServerResult, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
};
use std::sync::Arc;

pub(super) struct Explain;

impl ExtensionFactory for Explain {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Explain {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        match info.path_node.segment {
            QueryPathSegment::Name(_) => {
                let path = path(info.path_node);
                explain::field(path, next.run(ctx, info)).await
            }
            QueryPathSegment::Index(_) => next.run(ctx, info).await,
        }
    }
}

/// Without the places in lists.
fn path(node: &QueryPathNode<'_>) -> String {
    let mut names = vec![];
    let mut at = Some(node);
    while let Some(node) = at {
        if let QueryPathSegment::Name(name) = node.segment {
            names.push(name);
        }
        at = node.parent;
    }
    names.reverse();
    names.join(".")
}
