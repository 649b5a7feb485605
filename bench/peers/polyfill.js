// PostGraphile 5 expects Node 22; all that it needs of it that Node 20 lacks is this.
Promise.withResolvers ??= function withResolvers() {
  let resolve, reject;
  const promise = new this((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};
