"""Copies a folder of images without those that are empty: one value in every pixel."""

import json
import os
import shutil
import sys

from images import pixels


def main(source, target):
    kept, empty = 0, []
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, source)
            if len(set(pixels(path))) == 1:
                empty.append(shown)
                print(f"left out {shown}: it is empty")
                continue
            os.makedirs(os.path.dirname(os.path.join(target, shown)), exist_ok=True)
            shutil.copyfile(path, os.path.join(target, shown))
            kept += 1
    if kept == 0:
        print("no image is left", file=sys.stderr)
        sys.exit(2)
    with open(os.environ["CONTRAIL_RESULT"], "w") as file:
        json.dump({"kept": kept, "empty": len(empty)}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
