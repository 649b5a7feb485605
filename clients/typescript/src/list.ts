/** The list with an item in the place of the one that it is, or at the end. */
export function put<Item>(list: readonly Item[], is: (item: Item) => boolean, item: Item): readonly Item[] {
  const place = list.findIndex(is);
  return place < 0 ? [...list, item] : list.map((other, at) => (at === place ? item : other));
}
