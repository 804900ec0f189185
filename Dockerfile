# The operator's image.
#
# It holds what `edgebuild run` needs: Node, and dist/, which brings its packages with it. No buildah and no QEMU: in a
# cluster, others build.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/bundle.ts ./scripts/
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/dist ./dist
COPY crds ./crds
COPY LICENSE ./
# A number, so that Kubernetes can tell that it is not root. Nothing in /app belongs to it.
USER 65532:65532
ENTRYPOINT ["node", "/app/dist/main.js"]
