// Follows a live collection by its updates alone.

/** The list that the steps of an update make of a list. Each row has to be where they say. */
export function fold(rows, changes) {
    const list = [...rows];
    for (const { kind, row, oldIndex, newIndex } of changes) {
        if (
            (oldIndex === undefined) !== (kind === 'added') ||
            (newIndex === undefined) !== (kind === 'removed')
        ) {
            throw new Error(`a step of the kind ${kind} from ${oldIndex} to ${newIndex}`);
        }
        if (oldIndex !== undefined) {
            const [old] = list.splice(oldIndex, 1);
            if (old?.id !== row.id) {
                throw new Error(
                    `${kind}: ${JSON.stringify(old)} is at ${oldIndex}, not ${JSON.stringify(row)}`,
                );
            }
        }
        if (newIndex !== undefined) {
            if (newIndex > list.length) {
                throw new Error(`${kind}: ${newIndex} is behind the end`);
            }
            list.splice(newIndex, 0, row);
        }
    }
    return list;
}

/** A callback that folds the updates, and keeps them. */
export function follower() {
    const follow = (update) => {
        follow.updates.push(update);
        follow.rows = fold(follow.rows, update.changes);
    };
    follow.updates = [];
    follow.rows = [];
    return follow;
}
