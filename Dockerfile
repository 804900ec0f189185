# The operator's image.
#
# Not there yet: `edgebuild run`, the operator itself. Until it is, a container of this image prints the help and ends.
# This image holds no buildah and no QEMU: in a cluster, others build.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build
# What runs needs no development packages, the node of node_modules among them.
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY crds ./crds
COPY LICENSE ./
# A number, so that Kubernetes can tell that it is not root. Nothing in /app belongs to it.
USER 65532:65532
ENTRYPOINT ["node", "/app/dist/main.js"]
